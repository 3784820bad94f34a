package /* of people */ library . model ;

public record Member(String name) {
    static final String TEXT = """
        package library.text;
        "package library.quoted;"
        """;

    public boolean isNamed() {
        return !name.isBlank() && !TEXT.contains(name);
    }
}
