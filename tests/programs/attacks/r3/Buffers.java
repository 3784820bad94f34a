import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Memory outside the heap. */
class Main {
    public static void main(String[] args) {
        List<ByteBuffer> everything = new ArrayList<>();
        while (true) {
            everything.add(ByteBuffer.allocateDirect(1 << 20));
        }
    }
}
