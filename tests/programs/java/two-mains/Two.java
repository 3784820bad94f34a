package app.inner;

public class Two {
    public static void main(String[] args) {
        System.out.println("two");
    }
}
