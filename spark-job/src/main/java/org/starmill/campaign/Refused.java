package org.starmill.campaign;

/**
 * Says what is wrong for all images, before any work starts: a wrong input, output or setting.
 *
 * <p>The message is one line that names the thing, what was expected and the remedy; the command
 * line shows it and ends with exit code 2.
 */
public final class Refused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public Refused(String message) {
    super(message);
  }

  public Refused(String message, Throwable cause) {
    super(message, cause);
  }
}
