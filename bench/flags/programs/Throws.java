import java.util.Scanner;

/** A mistake of a beginner: the stack trace is part of what the student sees. */
public class Throws {
    static int parse(String word) {
        return Integer.parseInt(word);
    }

    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int sum = 0;
        while (in.hasNext()) {
            sum += parse(in.next());
        }
        Object o = sum;
        System.out.println((String) o);
    }
}
