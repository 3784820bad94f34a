import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Map;

/**
 * What came of it.
 *
 * <p>As bytes, big-endian: {@code u8} flags, {@code i32} exit status, the text, {@code u32} number of files, each a
 * path and a content.
 *
 * @param status what javac would have exited with
 * @param text its messages
 * @param cut whether it had more to say
 * @param files class files by path; none if there are more than were wanted
 * @param tooMuch whether there are
 * @param last whether the compiler must not be used again
 */
record Answer(int status, byte[] text, boolean cut, Map<String, byte[]> files, boolean tooMuch, boolean last) {
    private static final int CUT = 1;
    private static final int TOO_MUCH = 2;
    private static final int LAST = 4;

    byte[] encode() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeByte((cut ? CUT : 0) | (tooMuch ? TOO_MUCH : 0) | (last ? LAST : 0));
        out.writeInt(status);
        write(out, text);
        out.writeInt(files.size());
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            write(out, file.getKey().getBytes(java.nio.charset.StandardCharsets.UTF_8));
            write(out, file.getValue());
        }
        return bytes.toByteArray();
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }
}
