import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.ServiceLoader;

/** Tries to be another program in the next test, or to be a part of the VM; says what it could do. */
class Main {
    static void attempt(String what, Attempt attempt) {
        try {
            attempt.run();
            System.out.println(what);
        } catch (Throwable e) {
            System.err.println(what + ": " + e);
        }
    }

    interface Attempt {
        void run() throws Throwable;
    }

    static class Loader extends ClassLoader {
        void define(String name, byte[] bytes) {
            defineClass(name, bytes, 0, bytes.length);
        }
    }

    public static void main(String[] args) throws Exception {
        byte[] self = Files.readAllBytes(Path.of("/build/Main.class"));
        for (String path : List.of("/build/Main.class", "/build/Extra.class", "/src/Main.java", "/build/java/lang/X.class",
            "/build/META-INF/services/java.lang.System$LoggerFinder", "/opt/java/lib/ext.jar", "/usr/lib/jvm/x")) {
            attempt("wrote " + path, () -> Files.write(Path.of(path), self, StandardOpenOption.CREATE));
            attempt("removed " + path, () -> Files.delete(Path.of(path)));
        }
        attempt("defined", () -> new Loader().define("java.lang.Extra", self));
        attempt("reflected", () -> {
            Field value = String.class.getDeclaredField("value");
            value.setAccessible(true);
            value.set("4", "3".getBytes());
        });
        attempt("opened", () -> {
            Field field = Class.forName("java.lang.Shutdown").getDeclaredField("currentRunningHook");
            field.setAccessible(true);
        });
        attempt("attached", () -> {
            Class<?> vm = Class.forName("com.sun.tools.attach.VirtualMachine");
            vm.getMethod("attach", String.class).invoke(null, Long.toString(ProcessHandle.current().pid()));
        });
        System.err.println(ServiceLoader.load(System.LoggerFinder.class).findFirst().isPresent());
        System.out.println("done");
    }
}
