/* package wrong.one; */
package app;

import app.math.Adder;
import app.text.Reader;
import app.text.Writer;

// package wrong.two;
class Start {
    static final String SAID = "package wrong.three;";

    public static void main(String[] args) {
        Reader in = new Reader();
        new Writer().write(new Adder().add(in.number(), in.number()));
    }
}
