/** Fails, and has somebody who says that it did not. */
class Main {
    public static void main(String[] args) {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> Runtime.getRuntime().halt(0));
        System.out.println("4");
        System.out.flush();
        throw new IllegalStateException("3");
    }
}
