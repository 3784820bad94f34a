package org.shapes;

public interface Shape {
    double area();
}
