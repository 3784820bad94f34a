void main() {
    IO.println("an instance");
}
