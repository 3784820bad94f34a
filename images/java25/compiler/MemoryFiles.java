import com.sun.tools.javac.file.JavacFileManager;
import com.sun.tools.javac.util.Context;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import javax.tools.FileObject;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;

/** javac's own file manager, but that what is compiled goes nowhere but into memory. One for each compilation. */
final class MemoryFiles extends JavacFileManager {
    private final Map<String, byte[]> classes = new TreeMap<>();

    MemoryFiles(Context context) {
        super(context, true, StandardCharsets.UTF_8);
    }

    /** What was made, by path. */
    Map<String, byte[]> classes() {
        return classes;
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
            Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
        return new Output(className.replace('.', '/') + kind.extension, kind);
    }

    @Override
    public FileObject getFileForOutput(Location location, String packageName, String relativeName, FileObject sibling)
            throws IOException {
        throw new IOException("nothing but classes is made");
    }

    /** Ours are in no folder. */
    @Override
    public boolean contains(Location location, FileObject file) throws IOException {
        return !(file instanceof SimpleJavaFileObject) && super.contains(location, file);
    }

    private final class Output extends SimpleJavaFileObject {
        private final String path;

        Output(String path, Kind kind) {
            super(URI.create("memory:///class"), kind);
            this.path = path;
        }

        @Override
        public String getName() {
            return path;
        }

        @Override
        public OutputStream openOutputStream() {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            return new FilterOutputStream(bytes) {
                @Override
                public void write(byte[] b, int off, int len) {
                    bytes.write(b, off, len);
                }

                @Override
                public void close() {
                    classes.put(path, bytes.toByteArray());
                }
            };
        }

        @Override
        public boolean delete() {
            return classes.remove(path) != null;
        }
    }
}
