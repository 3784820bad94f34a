/** The right answer, and after main has returned more of it: what counts is all that was printed. */
class Main {
    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("4")));
        new Thread(() -> System.out.println("5")).start();
        System.out.println("3");
    }
}
