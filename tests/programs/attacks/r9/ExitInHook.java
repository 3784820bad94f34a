/** Exits in the hook that its exit runs: a deadlock of the JVM's own. */
class Main {
    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.exit(0)));
        System.out.println(3);
        System.exit(0);
    }
}
