class Main {
    public static void main(String[] args) {
        System.out.println(3);
        System.out.flush();
        Runtime.getRuntime().halt(1);
    }
}
