import java.util.ArrayList;
import java.util.List;
import java.util.Lisst;

/** The mistakes of a first course, so that speaking of them is warm too. */
public class Wrong {
    int missingReturn(int x) {
        if (x > 0) {
            return 1;
        }
    }

    void types() {
        int n = "text";
        String s = 5;
        boolean b = n;
        List raw = new ArrayList();
        raw.add("unchecked");
        List<String> names = new ArrayList<>();
        names.add(1);
        undefined = 3;
        s.lenght();
        new Wrong(1, 2).types();
        int uninitialised;
        System.out.println(uninitialised);
        final int constant = 1;
        constant = 2;
        Sytem.out.println(1 / 0);
        for (String name : 5) {
            name++;
        }
        return 1;
    }

    void flow() {
        while (true) {
        }
        int unreachable = 1;
        throw new Exception("not caught");
    }

    class Other extends Missing implements Runnable {
    }

    void twice() {}

    void twice() {}
}
