class Main {
    public static void main(String[] args) {
        String part = "x".repeat(65536);
        while (true) {
            System.out.print(part);
        }
    }
}
