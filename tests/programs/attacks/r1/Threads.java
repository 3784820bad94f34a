class Main {
    public static void main(String[] args) {
        while (true) {
            try {
                new Thread(() -> {
                    while (true) {
                        try {
                            Thread.sleep(600_000);
                        } catch (InterruptedException e) {
                            // Goes on.
                        }
                    }
                }).start();
            } catch (Throwable e) {
                // Once more.
            }
        }
    }
}
