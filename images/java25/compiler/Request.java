import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be compiled.
 *
 * <p>As bytes, big-endian: {@code u32} most bytes of text, {@code u32} most bytes of files, {@code u32} most files,
 * {@code u32} number of arguments, each a text; {@code u32} number of files, each a path and a content. A text, a path
 * and a content is {@code u32} length and so many bytes.
 *
 * @param textMost bytes of messages that are wanted
 * @param bytesMost bytes of class files that are wanted
 * @param filesMost class files that are wanted
 * @param arguments the command line of javac, its name and its files included
 * @param files what the files hold
 */
record Request(int textMost, int bytesMost, int filesMost, List<String> arguments, List<SourceFile> files) {
    static Request decode(byte[] bytes) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        int textMost = in.readInt();
        int bytesMost = in.readInt();
        int filesMost = in.readInt();
        List<String> arguments = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            arguments.add(text(in));
        }
        List<SourceFile> files = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            files.add(new SourceFile(text(in), text(in)));
        }
        if (in.read() >= 0) {
            throw new IOException("a request goes on after its end");
        }
        return new Request(textMost, bytesMost, filesMost, arguments, files);
    }

    private static String text(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > in.available()) {
            throw new IOException("a text of an impossible length");
        }
        return new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }
}
