import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;

/**
 * A javac that stays: compiles what it is asked to, one request after the other, and touches no file.
 *
 * <p>Both directions of its standard streams carry messages: four bytes of length, big-endian, and so many bytes.
 * Before it says that it is ready, with an empty message, it compiles programs of its own, so that the compiler is
 * warm. It executes nothing of what it compiles. It ends at the end of its input, and whenever something happens that
 * no source can be blamed for: then another takes its place.
 */
public final class Server {
    private static final int LONGEST = 64 << 20;
    /** How often each sample is compiled before the first request. */
    private static final int ROUNDS = 6;
    /** So much garbage may pile up in the old generation: collecting it takes longer than a compilation. */
    private static final int COMPILATIONS_PER_COLLECTION = 16;

    private Server() {}

    public static void main(String[] args) {
        InputStream in = new FileInputStream(FileDescriptor.in);
        OutputStream out = new FileOutputStream(FileDescriptor.out);
        PrintStream log = System.err;
        try {
            seal();
            int rounds = args.length == 0 ? ROUNDS : Integer.parseInt(args[0]);
            for (int round = 0; round < rounds; round++) {
                for (Samples.Sample sample : Samples.all()) {
                    Answer answer = Compilation.of(sample.request());
                    if (answer.last() || answer.status() != sample.status() || answer.encode().length == 0) {
                        throw new IllegalStateException("a sample is not compiled as it should be");
                    }
                    seal();
                }
            }
            System.gc();
            serve(new DataInputStream(new BufferedInputStream(in)), new DataOutputStream(new BufferedOutputStream(out)));
        } catch (Throwable e) {
            // Not its message: that may hold words of a student's.
            log.println("the compile server ends: " + e.getClass().getName());
            Runtime.getRuntime().halt(1);
        }
    }

    private static void serve(DataInputStream in, DataOutputStream out) throws IOException {
        out.writeInt(0);
        out.flush();
        for (int served = 1; ; served++) {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException end) {
                return;
            }
            if (length < 0 || length > LONGEST) {
                throw new IOException("a request of an impossible length");
            }
            byte[] request = in.readNBytes(length);
            if (request.length < length) {
                throw new EOFException();
            }
            Answer answer = Compilation.of(Request.decode(request));
            byte[] encoded = answer.encode();
            boolean last = answer.last();
            out.writeInt(encoded.length);
            out.write(encoded);
            out.flush();
            if (last) {
                return;
            }
            seal();
            if (served % COMPILATIONS_PER_COLLECTION == 0) {
                System.gc();
            }
        }
    }

    /** Nothing but an answer may reach the host. */
    private static void seal() {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        System.setIn(InputStream.nullInputStream());
        System.setOut(nowhere);
        System.setErr(nowhere);
    }
}
