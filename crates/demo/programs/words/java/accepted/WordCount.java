import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.TreeMap;

public class WordCount {
    public static void main(String[] args) throws IOException {
        Map<String, Integer> counts = new TreeMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            StringTokenizer words = new StringTokenizer(line.toLowerCase());
            while (words.hasMoreTokens()) {
                counts.merge(words.nextToken(), 1, Integer::sum);
            }
        }
        counts.forEach((word, count) -> System.out.println(word + " " + count));
    }
}
