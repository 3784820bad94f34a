import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;

/** Leaves the files that JVMs read options from where the next one is started; right only if none was read here. */
class Main {
    public static void main(String[] args) throws Exception {
        Scanner in = new Scanner(System.in);
        boolean fresh = new File(".").list().length == 0 && System.getProperty("smuggled") == null;
        System.out.println(fresh ? in.nextInt() + in.nextInt() : -1);
        for (String name : List.of(".hotspotrc", ".hotspot_compiler", "Main", "java.args", "jvm.cfg")) {
            Files.writeString(Path.of(name), "-Dsmuggled=yes\n");
        }
    }
}
