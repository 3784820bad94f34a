package app.math;

public class Adder {
    public long add(long a, long b) {
        return a + c;
    }
}
