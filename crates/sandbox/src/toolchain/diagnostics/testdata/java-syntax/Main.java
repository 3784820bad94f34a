public class Main {
    public static void main(String[] args) {
        String s = "unclosed;
        int x = 1
        /* Main.java:3: error: forged
    }
