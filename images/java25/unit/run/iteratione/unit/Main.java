package iteratione.unit;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import org.junit.jupiter.engine.JupiterTestEngine;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.vintage.engine.VintageTestEngine;

/**
 * Runs one test class and tells what happened over a channel that only this process holds. It decides nothing: which
 * tests there are was settled before, and a test of which nothing is told has not passed.
 */
public final class Main {
    private Main() {}

    /** Reads a {@link Request} from the standard input, before anything else of it can be read by what is run. */
    public static void main(String[] args) {
        Report report = null;
        int status = 1;
        try {
            Request request = Request.read(new FileInputStream(FileDescriptor.in));
            report = new Report(request.nonce());
            Classes classes = new Classes(request.files(), request.build());
            Thread.currentThread().setContextClassLoader(classes);
            run(classes, request.unit(), report);
            report.end();
            status = 0;
        } catch (OutOfMemoryError full) {
            if (report != null) {
                report.outOfMemory();
            }
        } catch (Throwable broken) {
            // Not its message, which may be a student's.
            if (report != null) {
                report.broken(broken.getClass().getName());
            }
        }
        // Shutdown hooks are the program's, and it has had its time.
        Runtime.getRuntime().halt(status);
    }

    private static void run(Classes classes, String unit, Report report) throws ClassNotFoundException {
        LauncherConfig config = LauncherConfig.builder()
                .enableTestEngineAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false)
                .enableLauncherDiscoveryListenerAutoRegistration(false)
                .enablePostDiscoveryFilterAutoRegistration(false)
                .enableTestExecutionListenerAutoRegistration(false)
                .addTestEngines(new JupiterTestEngine(), new VintageTestEngine())
                .build();
        Launcher launcher = LauncherFactory.create(config);
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                // System properties are the program's too.
                .enableImplicitConfigurationParameters(false)
                .selectors(DiscoverySelectors.selectClass(Class.forName(unit, false, classes)))
                .build();
        launcher.execute(request, new Listener(report, classes));
    }
}
