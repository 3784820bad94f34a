import java.util.Objects;

/** Something that can be sold. */
public class Item implements Comparable<Item> {
    public enum Kind {
        FOOD("f"), TOOL("t") {
            @Override
            double tax() { return 0.2; }
        };

        private final String sign;

        Kind(String sign) { this.sign = sign; }

        double tax() { return sign.isEmpty() ? 0 : 0.1; }
    }

    public static class Missing extends RuntimeException {
        public Missing(String what) { super(what + " is missing"); }
    }

    private final String name;
    private final double price;
    private final Kind kind;

    public Item(String name, double price, Kind kind) {
        this.name = Objects.requireNonNull(name);
        this.price = price;
        this.kind = kind;
    }

    public String name() { return name; }

    public double price() { return price * (1 + kind.tax()); }

    public Kind kind() { return kind; }

    @Override
    public int compareTo(Item other) { return name.compareTo(other.name); }

    @Override
    public boolean equals(Object o) { return o instanceof Item i && i.name.equals(name) && i.kind == kind; }

    @Override
    public int hashCode() { return Objects.hash(name, kind); }

    @Override
    public String toString() { return name + " (" + kind + ", " + price() + ")"; }
}
