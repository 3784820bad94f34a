package a.été;

public class Main extends java.util.ArrayList<String> {
    static final long L = 1L << 40;
    static final double D = 0.5;
    static final String S = "😀 main";
    public static void main(String[] args) { Runnable r = () -> System.out.println(S + L + D); r.run(); }
    void main() {}
    static int main(int x) { return x; }
    public static void Main(String[] args) {}
    static class Inner { public static void main(String... args) {} }
    interface Shape { static void main(String[] args) {} }
    record R(int x) { private static void main(String[] args) {} }
    enum E { A; public static int main(String[] args) { return 1; } }
    class 𝒳 { public void main(String[] args) {} }
    static class OneString { public static void main(String arg) {} }
}
