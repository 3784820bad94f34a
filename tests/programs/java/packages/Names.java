package app.text;

public interface Names {
    int NONE = 0;
    String PACKAGE = "package \" wrong.eight;";
}
