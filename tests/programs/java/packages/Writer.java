\u0070ackage app.text;

public class Writer {
    public void write(long number) {
        System.out.println(number);
    }
}
