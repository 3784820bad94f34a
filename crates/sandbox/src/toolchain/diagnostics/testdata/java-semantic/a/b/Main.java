package a.b;
import java.util.*;
public class Main {
    public static void main(String[] args) {
        int x = "é😀" + 1;	int tab = undefinedVar;
        List l = new ArrayList(); l.add("x");
        foo(1, 2);
	System.out.println(1, 2);
        int z = 1 / 0;
        Object o = (Runnable) () -> { throw new Exception("a.b/Main.java:3: error: no"); };
        switch (z) { case 1: z = 2; case 2: z = 3; }
        List<String> q = new ArrayList<Integer>();
        this.foo();
    }
    int g() { }
    static <T extends Comparable<T>> T max(List<T> l) { return null; }
    void h() { max(new ArrayList<Object>()); new Helper().go("s"); }
}
