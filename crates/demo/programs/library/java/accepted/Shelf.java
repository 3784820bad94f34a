package library.store;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import library.model.Book;

public class Shelf {
    private static final String NOTE = "package library.string;";
    private final Map<String, Book> books = new TreeMap<>();

    public void put(Book book) {
        books.put(book.isbn(), book);
    }

    public Book find(String isbn) {
        return books.getOrDefault(isbn, new Book(isbn, NOTE));
    }

    public Collection<Book> all() {
        return books.values();
    }
}
