// package library.nowhere;
package library.model;

public record Book(String isbn, String title) {
    @Override
    public String toString() {
        return isbn + " " + title;
    }
}
