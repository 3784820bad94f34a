/** main returns; whoever would give the right answer later is not waited for. */
class Main {
    public static void main(String[] args) {
        Thread late = new Thread(() -> {
            try {
                Thread.sleep(20_000);
            } catch (InterruptedException e) {
                // Says it now.
            }
            System.out.println("3");
        });
        late.setDaemon(true);
        late.start();
    }
}
