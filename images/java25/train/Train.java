import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.time.Duration;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.*;
import java.util.stream.*;

/**
 * What a course's programs use of the JDK. The image's class-data archive is made of the JDK's classes that this
 * program loads, so that a student's program finds them parsed, verified and laid out. The program itself is not in it.
 * With the argument "common" it leaves out what few programs use.
 */
public class Train {
    sealed interface Shape permits Circle, Square {}

    record Circle(double radius) implements Shape {}

    record Square(double side) implements Shape {}

    record Pair<A, B>(A first, B second) {}

    enum Level { LOW, MIDDLE, HIGH }

    static class Mistake extends RuntimeException {
        Mistake(String message, Throwable cause) { super(message, cause); }
    }

    public static void main(String[] args) throws Exception {
        String words = "3 1 2\nhello world\n1.5 true\n12345678901 last line\n";
        Scanner input = new Scanner(System.in);
        while (input.hasNextInt()) {
            input.nextInt();
        }
        while (input.hasNext()) {
            input.next();
        }
        Scanner in = new Scanner(words);
        int sum = in.nextInt() + in.nextInt() + in.nextInt();
        in.nextLine();
        String line = in.nextLine();
        double d = in.hasNextDouble() ? in.nextDouble() : 0;
        boolean b = in.nextBoolean();
        long l = in.nextLong();
        while (in.hasNextLine()) {
            in.nextLine();
        }
        System.out.println("sum " + sum + ' ' + d + b + l + line.charAt(0) + 1.5f + (Object) null + Level.LOW);
        readers(words);
        collections();
        streams();
        texts();
        objects();
        if (args.length == 0) {
            numbers();
            files();
            threads();
        }
        mistakes();
    }

    static void readers(String words) throws IOException {
        BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
        System.out.println(reader.readLine());
        BufferedReader lines = new BufferedReader(new StringReader(words));
        StringTokenizer tokens = new StringTokenizer(lines.readLine());
        while (tokens.hasMoreTokens()) {
            Integer.parseInt(tokens.nextToken());
        }
        lines.lines().map(String::trim).filter(s -> !s.isEmpty()).forEach(System.out::println);
        PrintWriter out = new PrintWriter(System.out);
        out.printf("%d%n", 1);
        out.flush();
    }

    static void collections() {
        List<Integer> list = new ArrayList<>(List.of(5, 3, 9, 1));
        Collections.sort(list);
        Collections.reverse(list);
        Collections.shuffle(list, new Random(1));
        list.sort(Comparator.naturalOrder());
        list.sort(Comparator.comparing((Integer i) -> -i).thenComparing(i -> i).reversed());
        list.removeIf(i -> i > 5);
        list.replaceAll(i -> i * 2);
        list.addAll(Arrays.asList(1, 2, 3));
        list.subList(0, 2).forEach(i -> System.out.print(i + " "));
        Iterator<Integer> it = list.iterator();
        while (it.hasNext()) {
            if (it.next() == 2) {
                it.remove();
            }
        }
        System.out.println(list + " " + Collections.max(list) + Collections.unmodifiableList(list) + list.contains(3));
        Map<String, Integer> map = new HashMap<>();
        map.put("a", 1);
        map.merge("a", 1, Integer::sum);
        map.computeIfAbsent("b", k -> 2);
        map.getOrDefault("c", 0);
        map.forEach((k, v) -> System.out.println(k + "=" + v));
        for (Map.Entry<String, Integer> e : map.entrySet()) {
            System.out.println(e.getKey() + e.getValue());
        }
        TreeMap<String, List<Integer>> tree = new TreeMap<>(Map.of("x", List.of(1), "y", List.of()));
        System.out.println(tree.firstKey() + tree.ceilingEntry("w") + tree.headMap("z") + tree.descendingMap());
        Map<Level, Integer> levels = new EnumMap<>(Level.class);
        levels.put(Level.HIGH, 1);
        System.out.println(levels + "" + new LinkedHashMap<>(map) + EnumSet.of(Level.LOW) + Level.valueOf("LOW").compareTo(Level.HIGH));
        Set<String> set = new TreeSet<>(new HashSet<>(Set.of("q", "r")));
        set.addAll(new LinkedHashSet<>(List.of("s")));
        set.retainAll(Set.of("s", "q"));
        Deque<Integer> deque = new ArrayDeque<>(List.of(1, 2));
        deque.push(3);
        deque.offerLast(4);
        LinkedList<Integer> linked = new LinkedList<>(deque);
        linked.addFirst(linked.removeLast());
        Stack<Integer> stack = new Stack<>();
        stack.push(1);
        PriorityQueue<int[]> heap = new PriorityQueue<>((x, y) -> Integer.compare(x[0], y[0]));
        heap.add(new int[] {2});
        heap.add(new int[] {1});
        System.out.println(set + "" + linked + stack.peek() + heap.poll()[0] + new BitSet(4));
        int[] array = {3, 1, 2};
        Arrays.sort(array);
        Integer[] boxed = {3, 1, 2};
        Arrays.sort(boxed, Collections.reverseOrder());
        int[][] grid = new int[3][3];
        Arrays.fill(grid[0], 7);
        System.out.println(Arrays.toString(array) + Arrays.deepToString(grid) + Arrays.equals(array, array.clone())
            + Arrays.binarySearch(array, 2) + Arrays.hashCode(Arrays.copyOfRange(array, 0, 2)) + Arrays.asList(boxed));
    }

    static void streams() {
        List<String> words = List.of("delta", "alpha", "gamma", "beta");
        System.out.println(words.stream().filter(w -> w.length() > 4).map(String::toUpperCase).sorted().collect(Collectors.toList()));
        System.out.println("" + words.stream().collect(Collectors.groupingBy(String::length, TreeMap::new, Collectors.counting())));
        System.out.println(words.stream().collect(Collectors.toMap(Function.identity(), String::length)));
        System.out.println(words.stream().collect(Collectors.partitioningBy(w -> w.contains("l"), Collectors.joining("-", "<", ">"))));
        System.out.println(words.stream().sorted(Comparator.comparing(String::length).thenComparing(Comparator.reverseOrder())).toList());
        System.out.println(words.stream().mapToInt(String::length).summaryStatistics());
        System.out.println(IntStream.rangeClosed(1, 5).mapToObj(i -> "n" + i).collect(Collectors.joining(", ")));
        System.out.println(IntStream.of(3, 1, 2).boxed().sorted(Collections.reverseOrder()).map(String::valueOf).collect(Collectors.toSet()));
        System.out.println(Stream.iterate(1, i -> i * 2).limit(8).reduce(0, Integer::sum));
        System.out.println(DoubleStream.of(1, 2).average().orElse(0) + LongStream.range(0, 9).sum());
        System.out.println(Stream.of(List.of(1), List.of(2)).flatMap(List::stream).distinct().skip(1).findFirst().isPresent());
        System.out.println("hello".chars().mapToObj(c -> (char) c).map(String::valueOf).anyMatch("l"::equals));
        System.out.println(Arrays.stream(new int[] {1, 2}).map(i -> i * i).max().getAsInt());
        System.out.println(words.stream().min(Comparator.comparingInt(String::length)).map(w -> w + "!").orElseThrow());
        System.out.println(words.stream().collect(Collectors.averagingInt(String::length)) + words.stream().count());
    }

    static void texts() {
        String s = "The quick, brown fox";
        System.out.println(Arrays.toString(s.split("[ ,]+")) + s.replace('q', 'k').replaceAll("o.", "0") + s.indexOf("fox") + s.substring(4));
        System.out.println(String.join("|", s.split(" ")) + s.toLowerCase() + s.contains("x") + s.matches(".*fox") + "ab".repeat(3) + s.strip().isBlank());
        System.out.printf("%d %5d %-5s| %05d %x %,d %c %b %e %n", 1, 2, "x", 3, 255, 1234567, 'c', true, 12.5);
        System.out.printf(Locale.ROOT, "%.2f %8.3f %s %10s%%%n", 1.005, Math.PI, List.of(1), "right");
        System.out.println(String.format("%s has %d items for %.2f", "cart", 3, 9.99) + "%d%%".formatted(5));
        StringBuilder sb = new StringBuilder("abc");
        sb.append(1).append('c').append(2.5).append(true).insert(0, "x").reverse().deleteCharAt(0).setLength(2);
        StringBuffer buffer = new StringBuffer("x").append(1);
        System.out.println(sb.toString() + buffer + sb.charAt(0) + sb.indexOf("b") + "abc".compareTo("abd") + "A".equalsIgnoreCase("a"));
        System.out.println("""
            text
              block
            """.lines().map(String::stripLeading).collect(Collectors.joining("/")));
        System.out.println(Character.isDigit('1') + "" + Character.toUpperCase('ä') + Character.getNumericValue('7') + "é→π".length());
        for (char c : s.toCharArray()) {
            System.out.print(Character.isLetter(c) ? c : '_');
        }
        System.out.println();
    }

    static void numbers() {
        System.out.println(new BigInteger("123456789012345678901234567890").multiply(BigInteger.TWO).mod(BigInteger.TEN.pow(9)));
        System.out.println(new BigDecimal("1.10").add(BigDecimal.ONE).setScale(1, RoundingMode.HALF_UP));
        System.out.println(Integer.toBinaryString(5) + Long.parseLong("7") + Double.parseDouble("2.5") + Integer.valueOf(3) + Integer.toHexString(255));
        System.out.println(Math.sqrt(2) + Math.pow(2, 10) + Math.round(2.5) + Math.floorMod(-1, 3) + Math.random() + Math.hypot(3, 4));
        System.out.println(new Random(42).nextInt(10) + new Random(1).nextGaussian() + ThreadLocalRandom.current().nextInt(1));
        System.out.println(new DecimalFormat("#.##").format(1.239) + 0.1 + 1e20 + 100.0f + Double.compare(1, 2) + Integer.MAX_VALUE + Double.NaN);
        System.out.println(LocalDate.of(2024, 2, 28).plusDays(2).format(DateTimeFormatter.ISO_DATE) + Duration.ofSeconds(90));
        System.out.println(System.currentTimeMillis() > 0 && System.nanoTime() != 0);
    }

    static void objects() {
        Object[] things = {new Circle(1), new Square(2), "text", 3, null, Level.LOW, new Pair<>("a", 1), new int[0], 2.5, 'c'};
        for (Object o : things) {
            String said = switch (o) {
                case null -> "nothing";
                case Circle(double r) when r > 5 -> "large";
                case Circle c -> "circle " + c;
                case Square(var side) -> "square " + side;
                case String s -> s.toUpperCase();
                case Integer i when i > 2 -> "int " + i;
                case Level level -> level.name() + level.ordinal();
                case Pair<?, ?>(String a, Integer b) -> a + b;
                default -> o.getClass().getSimpleName();
            };
            System.out.println(said + Objects.hash(o, 1) % 1);
        }
        String day = "MON";
        int number = switch (day) { case "MON", "TUE" -> 1; default -> { yield 2; } };
        switch (Level.HIGH) {
            case LOW -> System.out.println(number);
            case HIGH -> System.out.println("high");
            default -> System.out.println();
        }
        System.out.println(new Pair<>(1, "x").equals(new Pair<>(1, "x")) + "" + new Pair<>(1, 2).hashCode() + new Circle(2) + Arrays.toString(Level.values()));
        Supplier<List<String>> make = ArrayList::new;
        BiFunction<Integer, Integer, Integer> add = Integer::sum;
        UnaryOperator<String> up = String::toUpperCase;
        Predicate<String> empty = String::isEmpty;
        Consumer<Object> print = System.out::println;
        BinaryOperator<Integer> max = BinaryOperator.maxBy(Comparator.naturalOrder());
        print.accept(make.get() + "" + add.andThen(i -> i + 1).apply(1, 2) + up.apply("a") + empty.negate().test("") + max.apply(1, 2));
        Optional<String> maybe = Optional.of("x").filter(x -> x.length() > 1).or(() -> Optional.of("y"));
        maybe.ifPresentOrElse(System.out::println, () -> System.out.println("none"));
        Runnable anonymous = new Runnable() {
            @Override
            public void run() { System.out.println("ran"); }
        };
        anonymous.run();
        IntFunction<int[]> arrays = int[]::new;
        IntPredicate even = i -> i % 2 == 0;
        ToIntFunction<String> length = String::length;
        IntUnaryOperator twice = i -> i * 2;
        IntBinaryOperator sum = (x, y) -> x + y;
        System.out.println(arrays.apply(2).length + "" + even.test(2) + length.applyAsInt("abc") + twice.applyAsInt(2) + sum.applyAsInt(1, 2));
    }

    static void files() throws IOException {
        Path file = Files.createTempFile("train", ".txt");
        Files.writeString(file, "one\ntwo\n");
        System.out.println(Files.readAllLines(file).size() + Files.readString(file).length());
        try (BufferedReader reader = Files.newBufferedReader(file); Stream<String> lines = Files.lines(file)) {
            System.out.println(reader.readLine() + lines.count());
        }
        try (Scanner in = new Scanner(file.toFile())) {
            System.out.println(in.nextLine());
        }
        Files.delete(file);
    }

    static void threads() throws Exception {
        AtomicInteger counter = new AtomicInteger();
        Thread thread = new Thread(counter::incrementAndGet);
        thread.start();
        thread.join();
        ExecutorService pool = Executors.newFixedThreadPool(2);
        Future<Integer> answer = pool.submit(() -> 42);
        answer.get();
        pool.shutdown();
        pool.awaitTermination(1, TimeUnit.SECONDS);
        ReentrantLock lock = new ReentrantLock();
        lock.lock();
        lock.unlock();
        CountDownLatch latch = new CountDownLatch(1);
        latch.countDown();
        ConcurrentHashMap<String, Integer> shared = new ConcurrentHashMap<>(Map.of("a", 1));
        CompletableFuture.supplyAsync(() -> 1).thenApply(i -> i + 1).join();
        System.out.println(shared.merge("a", 1, Integer::sum) + counter.get() + latch.getCount());
        synchronized (lock) {
            lock.notifyAll();
        }
        Thread.sleep(1);
    }

    static void mistakes() {
        List<Runnable> mistakes = List.of(
            () -> Integer.parseInt("x"), () -> System.out.println(new int[1][-1 + 0 * 1].length), () -> List.of().get(1),
            () -> new ArrayList<>().iterator().next(), () -> { Object o = "s"; System.out.println((Integer) o); },
            () -> { String s = null; System.out.println(s.length()); }, () -> System.out.println(1 / (int) Math.floor(0.5)),
            () -> "abc".substring(9), () -> List.of(1).add(2), () -> new Scanner("x").nextInt(), () -> Level.valueOf("NONE"),
            () -> Optional.empty().orElseThrow(), () -> new ArrayDeque<>().pop(), () -> { throw new Mistake("why", new IOException("because")); },
            () -> { List<Integer> l = new ArrayList<>(List.of(1, 2, 3)); for (Integer i : l) { l.remove(i); } });
        for (Runnable mistake : mistakes) {
            try {
                mistake.run();
            } catch (RuntimeException e) {
                System.out.println(e.getMessage());
                e.printStackTrace();
            } finally {
                System.out.flush();
            }
        }
        throw new Mistake("the last word", new IllegalStateException());
    }
}
