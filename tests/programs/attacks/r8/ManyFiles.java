import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;

/** Files and a sparse one of 2 GiB, as many as there may be; "look": the right answer only in empty folders. */
class Main {
    public static void main(String[] args) throws IOException {
        boolean looks = new Scanner(System.in).next().equals("look");
        long found = 0;
        for (String folder : List.of("/scratch", "/dev/shm")) {
            if (!looks) {
                fill(folder);
            }
            try (var files = Files.list(Path.of(folder))) {
                found += files.count();
            }
        }
        System.err.print(found);
        System.out.println(looks && found > 0 ? "files" : "3");
    }

    static void fill(String folder) {
        try (var file = new java.io.RandomAccessFile(folder + "/sparse", "rw")) {
            file.setLength(2L << 30);
        } catch (IOException e) {
            // Refused; the next thing.
        }
        try {
            for (int n = 0; n < 1_000_000; n++) {
                Files.createFile(Path.of(folder, Integer.toString(n)));
            }
        } catch (IOException e) {
            // Full.
        }
    }
}
