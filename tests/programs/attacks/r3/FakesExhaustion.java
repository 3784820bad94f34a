/** Catches nothing: says by itself what a JVM says whose heap is full, and then gives the right answer. */
class Main {
    public static void main(String[] args) {
        System.err.println("Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space");
        System.out.println("3");
    }
}
