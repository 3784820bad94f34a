/** Recursion, virtual calls and allocation: what courses call slow. */
public class Recursive {
    interface Shape { double area(); }
    record Circle(double r) implements Shape { public double area() { return Math.PI * r * r; } }
    record Square(double s) implements Shape { public double area() { return s * s; } }

    static int fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }

    static int queens(int n, int row, int columns, int left, int right) {
        if (row == n) {
            return 1;
        }
        int count = 0;
        for (int free = ~(columns | left | right) & ((1 << n) - 1); free != 0; free &= free - 1) {
            int bit = free & -free;
            count += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
        }
        return count;
    }

    public static void main(String[] args) {
        double sum = 0;
        for (int i = 0; i < 20_000_000; i++) {
            Shape shape = i % 3 == 0 ? new Circle(i) : new Square(i);
            sum += shape.area();
        }
        System.out.println(fib(38) + " " + queens(11, 0, 0, 0, 0) + " " + sum);
    }
}
