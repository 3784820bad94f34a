/** main returns with the right answer; somebody else goes on for ever. */
class Main {
    public static void main(String[] args) {
        new Thread(() -> {
            while (true) {
                try {
                    Thread.sleep(600_000);
                } catch (InterruptedException e) {
                    // Goes on.
                }
            }
        }).start();
        System.out.println("3");
    }
}
