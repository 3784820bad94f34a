import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Scanner;
import java.util.stream.Stream;

class Main {
    static final String[] PLACES = {"/scratch", "/tmp", "/dev/shm"};

    public static void main(String[] args) throws Exception {
        if (new Scanner(System.in).next().equals("leave")) {
            for (String place : PLACES) {
                Files.writeString(Path.of(place, "left-behind"), "for whoever comes next");
            }
            System.setProperty("left.behind", "yes");
            Thread thread = new Thread(() -> {
                while (true) {
                    Thread.onSpinWait();
                }
            });
            thread.setDaemon(true);
            thread.start();
            for (String place : new String[] {"/", "/src", "/build", "/etc", "/var/tmp", "/run"}) {
                tell("write into " + place, () -> Files.writeString(Path.of(place, "left-behind"), "x") != null);
            }
        } else {
            for (String place : PLACES) {
                tell("anything in " + place, () -> {
                    try (Stream<Path> files = Files.list(Path.of(place))) {
                        return files.anyMatch(f -> !f.getFileName().toString().startsWith("hsperfdata"));
                    }
                });
            }
            tell("property", () -> System.getProperty("left.behind") != null);
            long self = ProcessHandle.current().pid();
            tell("process", () -> ProcessHandle.allProcesses().anyMatch(p -> p.pid() != 1 && p.pid() != self));
        }
    }

    interface Try {
        boolean reaches() throws Exception;
    }

    static void tell(String name, Try what) {
        boolean reached;
        try {
            reached = what.reaches();
        } catch (Throwable refused) {
            reached = false;
        }
        System.out.println(name + ": " + (reached ? "reached" : "refused"));
    }
}
