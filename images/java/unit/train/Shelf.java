import java.util.ArrayList;
import java.util.List;

class Shelf {
    private final List<String> books = new ArrayList<>();

    void put(String book) {
        if (book.isBlank()) {
            throw new IllegalArgumentException("a book without a title");
        }
        books.add(book);
    }

    int size() {
        return books.size();
    }
}
