import numbers.Numbers;

public class Main {
    public static void main(String[] args) {
        System.out.println(Numbers.SIX * Numbers.seven());
    }
}
