package org.starmill.catalog;

import java.util.Locale;

/** How it went with an image. */
public enum ExposureStatus {
  /** Measured with nothing amiss. */
  OK,
  /** Measured, but something is missing, such as positions on the sky; the reason says what. */
  PARTIAL,
  /** Not measured; the reason says why. */
  FAILED;

  /** The word for it in the table. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
