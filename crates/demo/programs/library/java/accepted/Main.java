/* This file is in
 * package library.wrong;
 * says this comment, and it is not true. */
package library.app;

import java.util.Scanner;
import library.model.Book;
import library.store.Loans;
import library.store.Shelf;

public class Main {
    public static void main(String[] args) {
        Shelf shelf = new Shelf();
        Loans loans = new Loans();
        Scanner in = new Scanner(System.in);
        while (in.hasNextLine()) {
            String[] words = in.nextLine().split(" ", 3);
            switch (words[0]) {
                case "add" -> shelf.put(new Book(words[1], words[2]));
                case "lend" -> System.out.println(loans.lend(shelf.find(words[1]), words[2]));
                case "back" -> System.out.println(loans.back(shelf.find(words[1])));
                case "list" -> shelf.all().forEach(book -> System.out.println(book + loans.note(book)));
                default -> System.out.println("package ?; " + words[0]);
            }
        }
    }
}
