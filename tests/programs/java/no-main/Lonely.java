package app;

public class Lonely {
    void main(int notThis) {
        System.out.println(notThis);
    }
}
