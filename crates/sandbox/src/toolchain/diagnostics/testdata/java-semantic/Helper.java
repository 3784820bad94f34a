public class Helpr {
    void go(int x) { return 1; }
}
class Helper { void go(int x) {} void go(double x, int y) {} }
