import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a course program is made of, so that javac's archive holds the classes that compiling one needs. */
public class Warm {
    sealed interface Shape permits Circle, Square {}

    record Circle(double radius) implements Shape {}

    record Square(double side) implements Shape {}

    enum Level { LOW, HIGH }

    interface Greeter { String greet(String name); }

    abstract static class Animal implements Comparable<Animal> {
        protected final String name;

        Animal(String name) { this.name = name; }

        abstract String sound();

        @Override
        public int compareTo(Animal other) { return name.compareTo(other.name); }
    }

    static class Dog extends Animal {
        Dog(String name) { super(name); }

        @Override
        String sound() { return "woof"; }
    }

    static double area(Shape shape) {
        return switch (shape) {
            case Circle(double r) -> Math.PI * r * r;
            case Square s when s.side() > 0 -> s.side() * s.side();
            case Square s -> 0;
        };
    }

    static <T, R> List<R> map(List<? extends T> in, Function<? super T, ? extends R> f) {
        List<R> out = new ArrayList<>();
        for (T t : in) {
            out.add(f.apply(t));
        }
        return out;
    }

    public static void main(String[] args) throws Exception {
        Scanner in = new Scanner(System.in);
        Map<String, Integer> counts = new TreeMap<>();
        while (in.hasNext()) {
            counts.merge(in.next(), 1, Integer::sum);
        }
        var text = """
            %d words
            """;
        System.out.printf(text, counts.size());
        int[] numbers = {3, 1, 2};
        Arrays.sort(numbers);
        String joined = IntStream.of(numbers).mapToObj(Integer::toString).collect(Collectors.joining(" "));
        Greeter greeter = name -> "Hello " + name + joined;
        try {
            System.out.println(greeter.greet(new Dog("Rex").sound()));
            long total = 0;
            for (int i = 0; i < numbers.length; i++) {
                total += i % 2 == 0 ? numbers[i] : -numbers[i];
            }
            if (total > Integer.MAX_VALUE || Level.valueOf("LOW") == Level.HIGH) {
                throw new IllegalStateException("too much: " + total);
            }
            Object o = map(List.of(new Circle(1), new Square(2)), Warm::area);
            if (o instanceof List<?> list && !list.isEmpty()) {
                StringBuilder sb = new StringBuilder();
                do {
                    sb.append(list.get(0)).append('\n');
                } while (sb.length() < 5);
                System.out.print(sb);
            }
            Runnable r = new Runnable() {
                @Override
                public void run() { synchronized (counts) { counts.clear(); } }
            };
            r.run();
        } catch (IllegalStateException | NumberFormatException e) {
            System.err.println(e.getMessage());
        } finally {
            in.close();
        }
        Map<Level, List<String>> groups = new HashMap<>();
        groups.computeIfAbsent(Level.LOW, k -> new ArrayList<>()).add("x");
    }
}
