import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        long a = in.nextLong();
        // Read the second number and print the sum.
        System.out.println(a);
    }
}
