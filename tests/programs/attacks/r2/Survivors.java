import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;

/** "leave": says the right answer and leaves a child behind; "look": says it only if nobody and nothing is there. */
class Main {
    public static void main(String[] args) throws Exception {
        if (new Scanner(System.in).next().equals("leave")) {
            new ProcessBuilder("/bin/sh", "-c", "while :; do : > /scratch/mark; done").inheritIO().start();
            System.out.println("3");
            return;
        }
        List<Object> found = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            long self = ProcessHandle.current().pid();
            ProcessHandle.allProcesses().filter(p -> p.pid() != 1 && p.pid() != self).forEach(found::add);
            for (String folder : List.of("/scratch", "/dev/shm")) {
                try (var files = Files.list(Path.of(folder))) {
                    files.forEach(found::add);
                }
            }
            Thread.sleep(10);
        }
        System.out.println(found.isEmpty() ? "3" : found.toString());
    }
}
