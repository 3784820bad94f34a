import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Two files, generics, inner classes, threads, files and the collections. */
public class Shop<T extends Comparable<T>> implements Iterable<T> {
    private static int made = 0;
    private final LinkedList<T> things = new LinkedList<>();
    private Node<T> root;

    private static class Node<T> {
        T value;
        Node<T> left, right;

        Node(T value) { this.value = value; }
    }

    class Walk implements Iterator<T> {
        private final Deque<Node<T>> path = new ArrayDeque<>();

        Walk() { push(root); }

        private void push(Node<T> node) {
            for (; node != null; node = node.left) {
                path.push(node);
            }
        }

        public boolean hasNext() { return !path.isEmpty(); }

        public T next() {
            Node<T> node = path.pop();
            push(node.right);
            return node.value;
        }
    }

    @Override
    public Iterator<T> iterator() { return new Walk(); }

    void add(T value) {
        root = add(root, value);
        things.addLast(value);
        made++;
    }

    private Node<T> add(Node<T> node, T value) {
        if (node == null) {
            return new Node<>(value);
        }
        int order = value.compareTo(node.value);
        if (order < 0) {
            node.left = add(node.left, value);
        } else if (order > 0) {
            node.right = add(node.right, value);
        }
        return node;
    }

    static long fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

    static boolean prime(int n) {
        outer:
        for (int i = 2; (long) i * i <= n; i++) {
            switch (n % i) {
                case 0: return false;
                case 1: continue outer;
                default: break;
            }
        }
        return n > 1;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
        Shop<Item> shop = new Shop<>();
        String line;
        while ((line = reader.readLine()) != null && !line.isBlank()) {
            String[] parts = line.trim().split("\\s+");
            shop.add(new Item(parts[0], Double.parseDouble(parts[1]), Item.Kind.valueOf(parts[2].toUpperCase())));
        }
        PriorityQueue<Item> cheapest = new PriorityQueue<>(Comparator.comparingDouble(Item::price).reversed());
        Set<String> names = new HashSet<>();
        Map<Item.Kind, Integer> count = new LinkedHashMap<>();
        for (Item item : shop) {
            cheapest.offer(item);
            names.add(item.name());
            count.put(item.kind(), count.getOrDefault(item.kind(), 0) + 1);
        }
        for (Map.Entry<Item.Kind, Integer> entry : count.entrySet()) {
            System.out.println(entry.getKey() + ": " + entry.getValue());
        }
        Optional<Item> first = Stream.of(cheapest.peek()).filter(i -> i != null && i.price() > 0).findFirst();
        System.out.println(first.map(Item::toString).orElse("nothing"));
        int[][] grid = new int[4][5];
        char[] letters = "hello".toCharArray();
        double mean = 0.0;
        for (int y = 0; y < grid.length; y++) {
            for (int x = 0; x < grid[y].length; x++) {
                grid[y][x] = (x << 2 | y) ^ letters[x % letters.length];
                mean += grid[y][x] / (double) (grid.length * grid[y].length);
            }
        }
        System.out.println(String.format("%.2f %s %d", mean, String.valueOf(letters), Math.max(1, (int) fibonacci(10))));
        AtomicInteger total = new AtomicInteger();
        Thread[] threads = new Thread[2];
        for (int i = 0; i < threads.length; i++) {
            final int part = i;
            threads[i] = new Thread(() -> total.addAndGet(part));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            Future<Boolean> answer = pool.submit(() -> prime(97));
            if (!answer.get()) {
                throw new Item.Missing("prime");
            }
        } catch (Item.Missing | java.util.concurrent.ExecutionException e) {
            e.printStackTrace();
        }
        List<Integer> numbers = new Random(42).ints(10, 0, 100).boxed().sorted(Collections.reverseOrder()).collect(Collectors.toList());
        Collections.swap(numbers, 0, 1);
        String kind = switch (numbers.size()) {
            case 0, 1 -> "few";
            case 10 -> {
                String many = "ten";
                yield many + made;
            }
            default -> "many";
        };
        System.out.println(kind + numbers.stream().mapToInt(Integer::intValue).filter(n -> n % 2 == 0).sum());
    }
}
