class Main {
    public static void main(String[] args) {
        String part = "x".repeat(10_000);
        for (int i = 0; i < 1000; i++) {
            System.out.print(part);
        }
    }
}
