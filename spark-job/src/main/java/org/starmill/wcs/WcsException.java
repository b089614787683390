package org.starmill.wcs;

/**
 * Says why a header gives no usable world coordinates.
 *
 * <p>One line: the keyword, what was found there and what was expected.
 */
public final class WcsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public WcsException(String message) {
    super(message);
  }
}
