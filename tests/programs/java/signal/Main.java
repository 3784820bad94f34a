/** Nothing in Java's library kills its own process by a signal: a shell does it. */
public class Main {
    public static void main(String[] args) throws Exception {
        new ProcessBuilder("sh", "-c", "kill -KILL " + ProcessHandle.current().pid()).start().waitFor();
        Thread.sleep(60_000);
    }
}
