import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShelfTest {
    private Shelf shelf;

    @BeforeEach
    void make() {
        shelf = new Shelf();
    }

    @Test
    @Tag("points=2")
    @DisplayName("is empty at first")
    void empty() {
        assertEquals(0, shelf.size());
    }

    @Test
    void refuses() {
        assertThrows(IllegalArgumentException.class, () -> shelf.put(" "));
    }

    /** Fails on purpose: that takes classes too. */
    @Test
    void fails() {
        assertEquals(1, shelf.size(), "one book");
    }

    /** As above. */
    @Test
    void breaks() {
        shelf.put("");
    }

    @Test
    @Disabled("on purpose")
    void disabled() {}

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void takes(String book) {
        shelf.put(book);
        assertTrue(shelf.size() > 0);
    }

    @ParameterizedTest
    @CsvSource({"1, a", "2, b"})
    void counts(int number, String book) {
        assertTrue(number > 0 && !book.isEmpty());
    }

    @Nested
    class Full {
        @Test
        void has() {
            shelf.put("c");
            assertEquals(1, shelf.size());
        }
    }
}
