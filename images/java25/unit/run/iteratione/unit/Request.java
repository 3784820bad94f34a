package iteratione.unit;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * What is to be run.
 *
 * <p>As bytes, big-endian: the nonce, the name of the test class, the folder of the program's classes, {@code u32}
 * number of files, each a path and a content. Each of these is {@code u32} length and so many bytes.
 *
 * @param nonce what each record begins with
 * @param unit binary name of the test class
 * @param build folder of the program's classes
 * @param files class files of the tests, by path
 */
record Request(String nonce, String unit, String build, Map<String, byte[]> files) {
    private static final int LONGEST = 64 << 20;

    static Request read(InputStream stream) throws IOException {
        DataInputStream in = new DataInputStream(stream);
        String nonce = text(in);
        String unit = text(in);
        String build = text(in);
        Map<String, byte[]> files = new HashMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            String path = text(in);
            files.put(path, bytes(in));
        }
        return new Request(nonce, unit, build, files);
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > LONGEST) {
            throw new IOException("an impossible length");
        }
        return in.readNBytes(length);
    }
}
