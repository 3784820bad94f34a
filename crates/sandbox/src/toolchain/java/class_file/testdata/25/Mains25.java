public class Mains25 {
    static class Static { static void main() {} }
    static class Protected { protected void main(String[] args) {} }
    static class Private { private static void main(String[] args) {} }
    static class Uncreatable { Uncreatable(int x) {} void main() {} }
    static abstract class Abstract { void main() {} }
    static class Takes { void main(int x) {} }
    class Inner { void main() {} }
}
