record Greeting(String to) {
    @Override
    public String toString() {
        return "Hello, " + to + "!";
    }
}

void main() {
    IO.println(List.of("Ada", "Grace", "Jürgen").stream()
        .map(Greeting::new).map(Greeting::toString).collect(Collectors.joining(" ")));
    System.out.printf(Locale.ROOT, "π ≈ %.4f%n", Math.PI);
}
