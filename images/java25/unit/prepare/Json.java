import java.util.List;
import java.util.Map;

/** Values as JSON, in ASCII. */
final class Json {
    private Json() {}

    static String of(Object value) {
        StringBuilder text = new StringBuilder();
        write(text, value);
        return text.toString();
    }

    private static void write(StringBuilder text, Object value) {
        if (value instanceof Map<?, ?> map) {
            String glue = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                text.append(glue);
                string(text, entry.getKey().toString());
                text.append(':');
                write(text, entry.getValue());
                glue = ",";
            }
            text.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof List<?> list) {
            String glue = "[";
            for (Object item : list) {
                text.append(glue);
                write(text, item);
                glue = ",";
            }
            text.append(list.isEmpty() ? "[]" : "]");
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            text.append(value);
        } else {
            string(text, value.toString());
        }
    }

    private static void string(StringBuilder text, String value) {
        text.append('"');
        value.codePoints().forEach(point -> {
            if (point >= ' ' && point < 0x7f && point != '"' && point != '\\') {
                text.append((char) point);
            } else if (Character.isBmpCodePoint(point) && Character.isSurrogate((char) point)) {
                text.append('?');
            } else {
                for (char c : Character.toChars(point)) {
                    text.append(String.format("\\u%04x", (int) c));
                }
            }
        });
        text.append('"');
    }
}
