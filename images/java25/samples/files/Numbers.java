package numbers;

public class Numbers {
    public static final int SIX = 6;

    public static int seven() {
        return 7;
    }
}
