package library.app;

public class Quiet {
    public void run() {
        System.out.println("nobody calls me");
    }
}
