import java.util.List;

class Main {
    public static void main(String[] args) throws Exception {
        for (String signal : List.of("KILL", "TERM", "STOP", "HUP", "USR1")) {
            Process shell = new ProcessBuilder("/bin/sh", "-c", "kill -" + signal + " 1").start();
            System.out.println("kill " + signal + ": " + (shell.waitFor() == 0 ? "reached" : "refused"));
        }
    }
}
