import java.util.*;
import java.util.stream.*;

/** Maps, lists, sorting and strings for about half a second. */
public class Collections1 {
    public static void main(String[] args) {
        Random random = new Random(42);
        Map<String, List<Integer>> groups = new HashMap<>();
        for (int i = 0; i < 120_000; i++) {
            groups.computeIfAbsent("k" + random.nextInt(5_000), k -> new ArrayList<>()).add(i);
        }
        TreeMap<Integer, String> largest = new TreeMap<>();
        groups.forEach((k, v) -> largest.put(v.size() * 10_000 + v.get(0) % 10_000, k));
        long sum = groups.values().stream().flatMap(List::stream).mapToLong(Integer::longValue).sum();
        List<String> keys = groups.keySet().stream().sorted(Comparator.comparing(String::length).thenComparing(s -> s))
            .collect(Collectors.toList());
        Deque<Integer> queue = new ArrayDeque<>();
        PriorityQueue<Integer> heap = new PriorityQueue<>();
        for (int i = 0; i < 100_000; i++) {
            queue.add(i);
            heap.add(random.nextInt());
        }
        while (!heap.isEmpty()) {
            sum += heap.poll() ^ queue.poll();
        }
        System.out.println(sum + " " + keys.size() + " " + largest.lastEntry());
    }
}
