/** 50 MB in one line. */
public class Main {
    public static void main(String[] args) {
        byte[] part = new byte[1 << 16];
        java.util.Arrays.fill(part, (byte) 'x');
        for (int i = 0; i < 800; i++) {
            System.out.write(part, 0, part.length);
        }
        System.out.flush();
    }
}
