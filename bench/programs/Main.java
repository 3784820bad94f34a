import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Reads numbers and reports on them: collections, records, streams and formatting, as a second-week lab has them. */
public class Main {
    record Entry(int value, int count) {}

    static class Statistics {
        private final List<Integer> numbers = new ArrayList<>();

        void add(int number) {
            numbers.add(number);
        }

        long sum() {
            return numbers.stream().mapToLong(Integer::longValue).sum();
        }

        List<Entry> entries() {
            Map<Integer, Integer> counts = new TreeMap<>();
            for (int number : numbers) counts.merge(number, 1, Integer::sum);
            return counts.entrySet().stream().map(e -> new Entry(e.getKey(), e.getValue())).toList();
        }
    }

    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        Statistics statistics = new Statistics();
        while (in.hasNextInt()) statistics.add(in.nextInt());
        System.out.printf("count %d sum %d%n", statistics.numbers.size(), statistics.sum());
        System.out.println("sorted " + statistics.numbers.stream().sorted().map(String::valueOf).collect(Collectors.joining(",")));
        for (Entry entry : statistics.entries()) {
            System.out.println(String.format("%6d x%d", entry.value(), entry.count()));
        }
    }
}
