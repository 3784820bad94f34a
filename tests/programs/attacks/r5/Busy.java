class Main {
    public static void main(String[] args) {
        for (long n = 0; n >= 0; n += n % 2 == 0 ? 1 : -1) {
        }
    }
}
