package org.starmill.image;

/**
 * Says why an image cannot become stars; it ends as a row with this reason, never as a failed run.
 *
 * <p>The reason is a short code that failures are counted by ("no stars", "saturated sky"); the
 * detail says what was found, what was expected and what helps.
 */
public final class ImageRejected extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  public ImageRejected(String reason, String detail) {
    super(reason + ": " + detail);
    this.reason = reason;
  }

  /** The code, without the detail. */
  public String reason() {
    return reason;
  }
}
