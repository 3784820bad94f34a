public class Main {
    public static void main(String[] args) {
        long sum = 0;
        while (sum >= 0) {
            sum ^= 1;
        }
        System.out.println(sum);
    }
}
