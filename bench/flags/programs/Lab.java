import java.util.*;
import java.util.stream.*;

/** A course's lab: input, a record, a map, streams, formatted output. */
public class Lab {
    record Entry(int value, int count) {
        double share(int total) {
            return total == 0 ? 0 : (double) count / total;
        }
    }

    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        List<Integer> numbers = new ArrayList<>();
        while (in.hasNextInt()) {
            numbers.add(in.nextInt());
        }
        Map<Integer, Integer> counts = new TreeMap<>();
        for (int n : numbers) {
            counts.merge(n % 10, 1, Integer::sum);
        }
        List<Entry> entries = counts.entrySet().stream()
            .map(e -> new Entry(e.getKey(), e.getValue()))
            .sorted(Comparator.comparingInt(Entry::count).reversed().thenComparingInt(Entry::value))
            .toList();
        for (Entry e : entries) {
            System.out.printf("%3d %4d %6.2f%%%n", e.value(), e.count(), 100 * e.share(numbers.size()));
        }
        String joined = numbers.stream().sorted().map(String::valueOf).collect(Collectors.joining(","));
        System.out.println(joined);
        StringBuilder sb = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            sb.append(String.format("[%s]", i));
        }
        System.out.println(sb);
    }
}
