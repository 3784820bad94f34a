package iteratione.unit;

/**
 * An exception in words. Its class may be the program's: each of its methods may say anything, throw, or not come back.
 *
 * @param type name of its class
 * @param message what it says, cut
 * @param trace the program's own lines of its trace and those of its causes, cut
 */
record Failure(String type, String message, String trace) {
    private static final int MESSAGE_MOST = 4000;
    private static final int FRAMES_MOST = 40;
    private static final int CAUSES_MOST = 8;

    static Failure of(Throwable cause, Classes classes) {
        return new Failure(cause.getClass().getName(), message(cause), trace(cause, classes));
    }

    private static String message(Throwable cause) {
        try {
            String message = cause.getMessage();
            if (message == null) {
                return "";
            }
            return message.length() > MESSAGE_MOST ? message.substring(0, MESSAGE_MOST) + "…" : message;
        } catch (Throwable silent) {
            return "";
        }
    }

    private static String trace(Throwable first, Classes classes) {
        StringBuilder text = new StringBuilder();
        try {
            Throwable cause = first;
            int left = FRAMES_MOST;
            for (int depth = 0; cause != null && depth < CAUSES_MOST; depth++) {
                if (depth > 0) {
                    text.append("caused by ").append(cause.getClass().getName()).append('\n');
                }
                for (StackTraceElement frame : cause.getStackTrace()) {
                    if (classes.isPrograms(frame.getClassName()) && left-- > 0) {
                        text.append("at ").append(frame.getClassName()).append('.').append(frame.getMethodName());
                        text.append('(').append(frame.getFileName()).append(':').append(frame.getLineNumber());
                        text.append(")\n");
                    }
                }
                cause = cause.getCause();
            }
        } catch (Throwable silent) {
            text.append('…');
        }
        return text.toString();
    }
}
