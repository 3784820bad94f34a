/** Its last words have no end. */
class Main {
    public static void main(String[] args) {
        throw new IllegalStateException("x".repeat(20_000_000));
    }
}
