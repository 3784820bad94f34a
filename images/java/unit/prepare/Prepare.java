import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticListener;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Makes suites of tests ready: lists the tests that there are, by the sources alone, whatever the program is like; then
 * compiles each suite against the program. If one does not compile, each test class is compiled by itself. Nothing of
 * either is executed.
 *
 * <p>Arguments: the folder of the program's classes, a folder below which the tests' classes go, and the folder of each
 * suite's sources. What has come of it is one line of JSON.
 */
public final class Prepare {
    private static final String MODULES = "/usr/lib/iteratione/unit";

    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final String build;
    private final Path out;

    private Prepare(String build, Path out) {
        this.build = build;
        this.out = out;
    }

    public static void main(String[] args) throws IOException {
        PrintStream answer = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Prepare prepare = new Prepare(args[0], Path.of(args[1]));
        List<Object> suites = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            suites.add(prepare.suite(Path.of(args[i]), Integer.toString(i - 2)));
        }
        answer.println(Json.of(Map.of("suites", suites)));
        answer.flush();
    }

    private Object suite(Path root, String name) throws IOException {
        List<Path> sources;
        try (Stream<Path> walk = Files.walk(root)) {
            sources = walk.filter(p -> p.toString().endsWith(".java")).sorted(Comparator.naturalOrder()).toList();
        }
        Listing listing = new Listing();
        Outcome parsed = new Outcome();
        if (!sources.isEmpty()) {
            try (StandardJavaFileManager files = files(parsed)) {
                JavacTask task = (JavacTask) compiler.getTask(
                        Writer.nullWriter(), files, parsed, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(sources));
                for (CompilationUnitTree unit : task.parse()) {
                    listing.read(unit, root.relativize(Path.of(unit.getSourceFile().toUri())).toString());
                }
            }
        }
        Map<String, Object> answer = new TreeMap<>();
        answer.put("types", List.copyOf(listing.types()));
        answer.put("errors", parsed.errors(root));
        List<Object> classes = new ArrayList<>();
        Path whole = out.resolve(name).resolve("all");
        Outcome together = parsed.isGood() ? compile(root, sources, whole) : parsed;
        int number = 0;
        for (Listing.TestClass test : listing.classes()) {
            Path place = whole;
            Outcome outcome = together;
            if (!together.isGood() && parsed.isGood()) {
                place = out.resolve(name).resolve(Integer.toString(number++));
                outcome = compile(root, List.of(root.resolve(test.file())), place);
            }
            Map<String, Object> one = test.described();
            one.put("errors", outcome.errors(root));
            one.put("out", out.relativize(place).toString());
            classes.add(one);
        }
        answer.put("classes", classes);
        return answer;
    }

    private Outcome compile(Path root, List<Path> sources, Path place) throws IOException {
        Outcome outcome = new Outcome();
        if (sources.isEmpty()) {
            return outcome;
        }
        Files.createDirectories(place);
        List<String> options = List.of(
                "-proc:none", "-implicit:class", "-Xlint:none", "-nowarn", "-parameters", "-g",
                "-Xmaxerrs", "30", "--module-path", MODULES, "--add-modules", "iteratione.unit",
                "-sourcepath", root.toString(), "-cp", build, "-d", place.toString());
        try (StandardJavaFileManager files = files(outcome)) {
            boolean good = compiler.getTask(
                            Writer.nullWriter(), files, outcome, options, null, files.getJavaFileObjectsFromPaths(sources))
                    .call();
            outcome.ended(good);
        }
        return outcome;
    }

    private StandardJavaFileManager files(Outcome outcome) {
        return compiler.getStandardFileManager(outcome, Locale.ENGLISH, StandardCharsets.UTF_8);
    }

    /** What the compiler had to say. */
    private static final class Outcome implements DiagnosticListener<JavaFileObject> {
        private final List<Diagnostic<? extends JavaFileObject>> errors = new ArrayList<>();
        private boolean failed;

        @Override
        public void report(Diagnostic<? extends JavaFileObject> said) {
            if (said.getKind() == Diagnostic.Kind.ERROR) {
                errors.add(said);
            }
        }

        void ended(boolean good) {
            failed = !good;
        }

        boolean isGood() {
            return !failed && errors.isEmpty();
        }

        List<Object> errors(Path root) {
            List<Object> told = new ArrayList<>();
            for (Diagnostic<? extends JavaFileObject> said : errors) {
                Map<String, Object> error = new TreeMap<>();
                JavaFileObject source = said.getSource();
                error.put("file", source == null ? "" : root.relativize(Path.of(source.toUri())).toString());
                error.put("line", Math.max(0, said.getLineNumber()));
                error.put("code", said.getCode());
                error.put("message", said.getMessage(Locale.ENGLISH));
                told.add(error);
            }
            if (told.isEmpty() && failed) {
                told.add(Map.of("file", "", "line", 0L, "code", "", "message", "the compiler failed"));
            }
            return told;
        }
    }
}
