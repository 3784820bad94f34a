class Main {
    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            while (true) {
                try {
                    Thread.sleep(600_000);
                } catch (InterruptedException e) {
                    // Goes on.
                }
            }
        }));
        System.out.println(3);
    }
}
