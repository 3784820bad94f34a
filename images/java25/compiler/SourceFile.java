import java.net.URI;
import java.net.URISyntaxException;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;

/** A source file that is on no disk, named to the student as javac names one that is. */
final class SourceFile extends SimpleJavaFileObject {
    private final String path;
    private final String content;

    SourceFile(String path, String content) {
        super(uri(path), JavaFileObject.Kind.SOURCE);
        this.path = path;
        this.content = content;
    }

    private static URI uri(String path) {
        try {
            return new URI("file", null, "/src/" + path, null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(e);
        }
    }

    String path() {
        return path;
    }

    @Override
    public String getName() {
        return path;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return content;
    }

    /** The part after the last slash is the class' name, as on a disk. */
    @Override
    public boolean isNameCompatible(String simpleName, JavaFileObject.Kind kind) {
        return path.substring(path.lastIndexOf('/') + 1).equals(simpleName + kind.extension);
    }
}
