class Main {
    public static void main(String[] args) throws Exception {
        new ProcessBuilder("/bin/sh", "-c", "while :; do :; done").start();
        Thread.sleep(600_000);
    }
}
