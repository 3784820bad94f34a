import java.io.FileInputStream;
import java.util.ArrayList;
import java.util.List;

class Main {
    public static void main(String[] args) throws Exception {
        List<FileInputStream> held = new ArrayList<>();
        try {
            while (true) {
                held.add(new FileInputStream("/dev/null"));
            }
        } catch (java.io.IOException e) {
            System.err.println(held.size());
            throw e;
        }
    }
}
