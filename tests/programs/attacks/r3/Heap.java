import java.util.ArrayList;
import java.util.List;

class Main {
    public static void main(String[] args) {
        List<byte[]> everything = new ArrayList<>();
        while (true) {
            everything.add(new byte[1 << 20]);
        }
    }
}
