import java.util.Locale;
import java.util.Scanner;
import org.shapes.Shape;
import org.shapes.Square;
import org.shapes.round.Circle;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in).useLocale(Locale.ROOT);
        while (in.hasNext()) {
            String kind = in.next();
            double size = in.nextDouble();
            if (size > 5) throw new IllegalStateException("too large");
            Shape shape = kind.equals("circle") ? new Circle(size) : new Square(size);
            System.out.printf(Locale.ROOT, "%s %.4f%n", kind, shape.area());
        }
    }
}
