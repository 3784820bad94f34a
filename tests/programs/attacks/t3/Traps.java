import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Scanner;

class Main {
    public static void main(String[] args) throws Exception {
        Path data = Path.of("data.txt");
        switch (new Scanner(System.in).next()) {
            case "read" -> System.out.println(
                Files.isRegularFile(data, java.nio.file.LinkOption.NOFOLLOW_LINKS) ? Files.readString(data) : "no file");
            case "symlink" -> Files.createSymbolicLink(data, Path.of("/etc/hostname"));
            case "folder" -> Files.createDirectories(data.resolve("data.txt"));
            case "fifo" -> new ProcessBuilder("mkfifo", "data.txt").start().waitFor();
            default -> {
                Files.delete(data);
                Files.createSymbolicLink(data, Path.of("/dev/full"));
            }
        }
        Files.writeString(Path.of("result.json"), "{\"verdict\":\"AC\",\"score\":1}");
    }
}
