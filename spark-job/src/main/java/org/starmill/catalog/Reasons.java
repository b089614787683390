package org.starmill.catalog;

/**
 * Words a reason as "code: detail".
 *
 * <p>Failures are counted by the code; it stands before the first colon that a blank follows.
 */
public final class Reasons {
  /** The code of a frame that is no image to be measured and went into no master. */
  public static final String NOT_USED = "not used";

  private static final String BETWEEN = ": ";

  private Reasons() {}

  /** The reason of a frame that nobody needed; it is no failure. */
  public static String notUsed(String why) {
    return NOT_USED + BETWEEN + why;
  }

  /** The reason of a failure that nobody foresaw: what, and where in the program. */
  public static String internal(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return "internal error: %s: %s at %s"
        .formatted(
            failure.getClass().getName(),
            failure.getMessage(),
            trace.length == 0 ? "an unknown place" : trace[0]);
  }

  /** The code of a reason. */
  public static String code(String reason) {
    int end = reason.indexOf(BETWEEN);
    return end < 0 ? reason : reason.substring(0, end);
  }
}
