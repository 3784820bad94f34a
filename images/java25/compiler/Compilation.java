import com.sun.tools.javac.main.Arguments;
import com.sun.tools.javac.main.Main;
import com.sun.tools.javac.util.Context;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;

/**
 * One run of javac: the same code as behind the command of that name, so that it says the same, with files in memory.
 * Everything that it knows hangs on a context of its own and is forgotten with it; what stays in the virtual machine is
 * javac's code and its index of the platform's classes.
 */
final class Compilation {
    /** javac keeps tables of names for the next run, with the names of the last one in them. This one is not kept. */
    private static final String FORGET_NAMES = "-XDuseUnsharedTable";

    private Compilation() {}

    static Answer of(Request request) {
        Context context = new Context();
        MemoryFiles[] made = new MemoryFiles[1];
        context.put(JavaFileManager.class, (Context.Factory<JavaFileManager>) c -> made[0] = new MemoryFiles(c));
        context.put(Arguments.argsKey, (Context.Factory<Arguments>) c -> new Given(c, request.files()));
        Text text = new Text(request.textMost());
        String[] arguments = Stream.concat(Stream.of(FORGET_NAMES), options(request)).toArray(String[]::new);
        Main.Result result;
        try (PrintWriter writer = new PrintWriter(new OutputStreamWriter(text, StandardCharsets.UTF_8))) {
            result = new Main("javac", writer).compile(arguments, context);
        }
        // It ran out of stack or memory, or stumbled over itself: nobody knows what is left half done.
        boolean last = result == Main.Result.SYSERR || result == Main.Result.ABNORMAL;
        Map<String, byte[]> files = result.isOK() ? made[0].classes() : Map.of();
        long bytes = files.values().stream().mapToLong(f -> f.length).sum();
        boolean tooMuch = files.size() > request.filesMost() || bytes > request.bytesMost();
        return new Answer(
                result.exitCode, text.bytes(), text.cut(), tooMuch ? new TreeMap<>() : files, tooMuch, last);
    }

    /** The command line without what is the launcher's, its name and its words to the virtual machine, and the files. */
    private static Stream<String> options(Request request) {
        List<String> paths = request.files().stream().map(SourceFile::path).toList();
        return request.arguments().stream().skip(1).filter(a -> !a.startsWith("-J") && !paths.contains(a));
    }

    /** The files of a request in the place of files on a disk. */
    private static final class Given extends Arguments {
        private final Set<JavaFileObject> files;

        Given(Context context, List<SourceFile> files) {
            super(context);
            this.files = new LinkedHashSet<>(files);
        }

        @Override
        public Set<JavaFileObject> getFileObjects() {
            return files;
        }

        @Override
        public boolean isEmpty() {
            return files.isEmpty();
        }
    }

    /** Keeps the beginning of what is written. */
    private static final class Text extends OutputStream {
        private final java.io.ByteArrayOutputStream kept = new java.io.ByteArrayOutputStream();
        private final int most;
        private boolean cut;

        Text(int most) {
            this.most = most;
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            int room = Math.min(length, most - kept.size());
            kept.write(bytes, offset, room);
            cut |= room < length;
        }

        byte[] bytes() {
            return kept.toByteArray();
        }

        boolean cut() {
            return cut;
        }
    }
}
