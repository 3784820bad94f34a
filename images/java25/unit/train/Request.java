import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the grader would send: writes a request to the standard output, to run a class of a folder. */
final class Request {
    private Request() {}

    public static void main(String[] args) throws IOException {
        Path root = Path.of(args[0]);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (String text : List.of("nonce", args[1], args[2])) {
            write(out, text.getBytes(StandardCharsets.UTF_8));
        }
        List<Path> files;
        try (Stream<Path> walk = Files.walk(root)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        out.writeInt(files.size());
        for (Path file : files) {
            write(out, root.relativize(file).toString().getBytes(StandardCharsets.UTF_8));
            write(out, Files.readAllBytes(file));
        }
        System.out.write(bytes.toByteArray());
        System.out.flush();
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }
}
