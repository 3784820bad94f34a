import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Programs of our own, in the archive beside the classes: what is compiled to become warm. */
final class Samples {
    private static final List<String> OPTIONS = List.of(
            "javac", "-encoding", "UTF-8", "-proc:none", "-implicit:none", "-XDsuppressNotes",
            "-Xlint:unchecked", "-Xlint:divzero", "-Xlint:empty", "-Xlint:fallthrough", "-Xlint:finally",
            "-Xmaxerrs", "50", "-Xmaxwarns", "20", "-sourcepath", "/build", "-cp", "/build", "-d", "/build");
    private static final List<List<String>> RIGHT = List.of(List.of("Lab.java"), List.of("Shop.java", "Item.java"));
    private static final List<List<String>> WRONG = List.of(List.of("Wrong.java"));

    private Samples() {}

    /**
     * A program and what becomes of it.
     *
     * @param request as the host would ask
     * @param status what javac exits with
     */
    record Sample(Request request, int status) {}

    static List<Sample> all() throws IOException {
        List<Sample> all = new ArrayList<>();
        add(all, RIGHT, 0);
        add(all, WRONG, 1);
        return all;
    }

    private static void add(List<Sample> all, List<List<String>> programs, int status) throws IOException {
        for (List<String> names : programs) {
            List<SourceFile> files = new ArrayList<>();
            for (String name : names) {
                files.add(new SourceFile(name, read(name)));
            }
            List<String> arguments = new ArrayList<>(OPTIONS);
            arguments.addAll(names);
            all.add(new Sample(new Request(1 << 18, 1 << 24, 1000, arguments, files), status));
        }
    }

    private static String read(String name) throws IOException {
        try (InputStream in = Samples.class.getResourceAsStream("samples/" + name)) {
            if (in == null) {
                throw new IOException("the sample " + name + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
