package org.starmill.campaign;

/** Words a reason as "code: detail", so that failures are counted by code. */
final class Reasons {
  /** The code of a frame that is no image to be measured and went into no master. */
  static final String NOT_USED = "not used";

  private Reasons() {}

  /** The reason of a failure that nobody foresaw: what, and where in the program. */
  static String internal(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return "internal error: %s: %s at %s"
        .formatted(
            failure.getClass().getName(),
            failure.getMessage(),
            trace.length == 0 ? "an unknown place" : trace[0]);
  }

  /** The code of a reason. */
  static String code(String reason) {
    int colon = reason.indexOf(": ");
    return colon < 0 ? reason : reason.substring(0, colon);
  }
}
