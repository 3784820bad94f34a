import static org.junit.Assert.assertEquals;

import org.junit.Before;
import org.junit.Test;

public class OldShelfTest {
    private Shelf shelf;

    @Before
    public void make() {
        shelf = new Shelf();
    }

    @Test
    public void empty() {
        assertEquals(0, shelf.size());
    }

    @Test(expected = IllegalArgumentException.class)
    public void refuses() {
        shelf.put("");
    }

    /** Fails on purpose. */
    @Test
    public void fails() {
        assertEquals("one book", 1, shelf.size());
    }
}
