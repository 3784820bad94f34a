package app;

import app.math.Adder;

public class Start {
    public static void main(String[] args) {
        System.out.println(new Adder().add(1, 2));
    }
}
