import java.util.Scanner;

public class Halves {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int low = 1, high = 1000;
        while (true) {
            int middle = (low + high) / 2;
            System.out.println(middle);
            String said = in.next();
            if (said.equals("correct")) return;
            if (said.equals("higher")) low = middle + 1; else high = middle - 1;
        }
    }
}
