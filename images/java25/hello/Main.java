import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

public class Main {
    record Greeting(String to) {
        @Override
        public String toString() {
            return "Hello, " + to + "!";
        }
    }

    public static void main(String[] args) {
        System.out.println(List.of("Ada", "Grace", "Jürgen").stream()
            .map(Greeting::new).map(Greeting::toString).collect(Collectors.joining(" ")));
        System.out.printf(Locale.ROOT, "π ≈ %.4f%n", Math.PI);
    }
}
