package app.deep;

public class Start {
    public static void main(String[] args) {
        throw new IllegalStateException("out of order");
    }
}
