import java.lang.management.ManagementFactory;
import java.util.TreeMap;

/** Tells what the JVM was given, by itself and by its environment. */
class Main {
    public static void main(String[] args) {
        System.out.println("environment " + new TreeMap<>(System.getenv()).keySet());
        System.out.println("smuggled " + System.getProperty("smuggled"));
        System.out.println("arguments " + ManagementFactory.getRuntimeMXBean().getInputArguments());
        System.out.println("heap " + Runtime.getRuntime().maxMemory() / (1 << 20));
    }
}
