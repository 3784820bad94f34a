/** {@code package library.javadoc;} */
package library.store;

import java.util.HashMap;
import java.util.Map;
import library.model.Book;
import library.model.Member;

public class Loans {
    private final Map<Book, Member> lent = new HashMap<>();

    public String lend(Book book, String name) {
        Member member = new Member(name);
        if (!member.isNamed() || lent.containsKey(book)) {
            return "no";
        }
        lent.put(book, member);
        return "lent to " + name;
    }

    public String back(Book book) {
        Member member = lent.remove(book);
        return member == null ? "no" : "back from " + member.name();
    }

    public String note(Book book) {
        Member member = lent.get(book);
        return member == null ? "" : " (" + member.name() + ")";
    }
}
