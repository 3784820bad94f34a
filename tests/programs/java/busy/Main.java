public class Main {
    public static void main(String[] args) {
        long n = 0;
        while (n >= 0) {
            n ^= 1;
        }
        System.out.println(n);
    }
}
