package app.text;

import java.util.Scanner;

public class Reader {
    private static final char QUOTE = '"'; /* a quote that opens nothing: package wrong.seven; */
    private final Scanner in = new Scanner(System.in);

    public long number() {
        return in.nextLong() + QUOTE - QUOTE;
    }
}
