package iteratione.unit;

import java.util.Optional;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Tells each step as it happens: what was told before a program ends itself stays told. */
final class Listener implements TestExecutionListener {
    private final Report report;
    private final Classes classes;
    private TestPlan plan;

    Listener(Report report, Classes classes) {
        this.report = report;
        this.classes = classes;
    }

    @Override
    public void testPlanExecutionStarted(TestPlan started) {
        plan = started;
    }

    @Override
    public void executionStarted(TestIdentifier id) {
        tell("started", id).send();
    }

    @Override
    public void executionSkipped(TestIdentifier id, String reason) {
        tell("finished", id).put("status", "skipped").put("message", reason).send();
    }

    @Override
    public void executionFinished(TestIdentifier id, TestExecutionResult result) {
        String status = switch (result.getStatus()) {
            case SUCCESSFUL -> "passed";
            case ABORTED -> "aborted";
            case FAILED -> "failed";
        };
        Throwable cause = result.getThrowable().orElse(null);
        String kind = cause == null ? "" : kind(cause);
        // What became of it first: asking an exception for its words runs the program's code again.
        tell("finished", id).put("status", status).put("kind", kind).send();
        if (cause != null) {
            Failure failure = Failure.of(cause, classes);
            tell("detail", id)
                    .put("type", failure.type())
                    .put("message", failure.message())
                    .put("trace", failure.trace())
                    .send();
        }
        if (cause instanceof OutOfMemoryError full) {
            throw full;
        }
    }

    private static String kind(Throwable cause) {
        if (cause instanceof AssertionError) {
            return "assertion";
        }
        if (cause instanceof OutOfMemoryError) {
            return "memory";
        }
        return "exception";
    }

    private Report.Line tell(String event, TestIdentifier id) {
        String owner = "";
        String method = "";
        Optional<TestIdentifier> at = Optional.of(id);
        // Invocations and dynamic tests belong to the method that makes them.
        while (at.isPresent() && owner.isEmpty()) {
            TestSource source = at.get().getSource().orElse(null);
            if (source instanceof MethodSource of) {
                owner = of.getClassName();
                method = of.getMethodName();
            } else if (source instanceof ClassSource of) {
                owner = of.getClassName();
            }
            at = plan.getParent(at.get());
        }
        return report.line(event)
                .put("id", id.getUniqueId())
                .put("class", owner)
                .put("method", method)
                .put("leaf", id.isTest());
    }
}
