package iteratione.unit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The tests' classes and the program's, in one loader: tests see what is package-private. The platform's and JUnit's come
 * first, then the tests', which are in memory alone, then the program's.
 */
final class Classes extends ClassLoader {
    private static final String ENDING = ".class";

    private final Map<String, byte[]> tests;
    private final String build;
    private final Set<String> programs = ConcurrentHashMap.newKeySet();

    Classes(Map<String, byte[]> tests, String build) {
        super("tests", ClassLoader.getSystemClassLoader());
        this.tests = tests;
        this.build = build;
    }

    /** Whether a class that was loaded is the program's. */
    boolean isPrograms(String name) {
        return programs.contains(name);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        String path = name.replace('.', '/') + ENDING;
        byte[] bytes = tests.get(path);
        if (bytes == null) {
            bytes = read(path, name);
            programs.add(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    private byte[] read(String path, String name) throws ClassNotFoundException {
        try {
            return Files.readAllBytes(Path.of(build, path));
        } catch (NoSuchFileException none) {
            throw new ClassNotFoundException(name);
        } catch (IOException | RuntimeException unreadable) {
            throw new ClassNotFoundException(name, unreadable);
        }
    }
}
