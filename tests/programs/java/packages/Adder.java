package/**/app . math/* package app.wrong; */;

import app.text.Names;

/** {@code package wrong.four;} */
public class Adder {
    private static final String TEXT = """
        package wrong.five;
        \""" package wrong.six; ""\"
        """;

    public long add(long a, long b) {
        return a + b + Names.NONE + TEXT.indexOf("package") * 0L;
    }
}
