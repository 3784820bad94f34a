package iteratione.unit;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import jdk.internal.access.SharedSecrets;

/**
 * The channel: lines of JSON on a descriptor that was inherited. It cannot be opened by name, and no class beside this
 * one can make a stream of a number.
 */
final class Report {
    private static final int DESCRIPTOR = 3;

    private final Object lock = new Object();
    private final FileOutputStream out;
    private final String nonce;
    /** Made beforehand: when it is needed there is no memory. */
    private final byte[] full;

    Report(String nonce) {
        FileDescriptor descriptor = new FileDescriptor();
        SharedSecrets.getJavaIOFileDescriptorAccess().set(descriptor, DESCRIPTOR);
        this.out = new FileOutputStream(descriptor);
        this.nonce = nonce;
        this.full = line("memory").bytes();
    }

    /** The beginning of a record. */
    Line line(String event) {
        return new Line().put("nonce", nonce).put("event", event);
    }

    /** Everything was run. */
    void end() {
        line("end").send();
    }

    /** JUnit itself gave up. */
    void broken(String type) {
        line("broken").put("type", type).send();
    }

    /** There was no memory left to go on. */
    void outOfMemory() {
        write(full);
    }

    private void write(byte[] bytes) {
        synchronized (lock) {
            try {
                out.write(bytes);
            } catch (IOException gone) {
                // Nobody listens any more, and what is not told has not passed.
                Runtime.getRuntime().halt(1);
            }
        }
    }

    /** One record. */
    final class Line {
        private final StringBuilder text = new StringBuilder("{");

        Line put(String key, String any) {
            key(key);
            // Halves of characters become question marks.
            String value = new String(any.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
            text.append('"');
            for (int i = 0; i < value.length(); i++) {
                char c = value.charAt(i);
                boolean plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
                if (plain) {
                    text.append(c);
                } else {
                    text.append("\\u");
                    for (int shift = 12; shift >= 0; shift -= 4) {
                        text.append(Character.forDigit(c >> shift & 15, 16));
                    }
                }
            }
            text.append('"');
            return this;
        }

        Line put(String key, boolean value) {
            key(key);
            text.append(value);
            return this;
        }

        private void key(String key) {
            text.append(text.length() > 1 ? ",\"" : "\"").append(key).append("\":");
        }

        private byte[] bytes() {
            return (text + "}\n").getBytes(StandardCharsets.UTF_8);
        }

        void send() {
            write(bytes());
        }
    }
}
