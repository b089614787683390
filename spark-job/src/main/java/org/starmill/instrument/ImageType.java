package org.starmill.instrument;

import java.util.Locale;

/** What a frame is a picture of. */
public enum ImageType {
  /** No light, no time: the level the amplifier adds. */
  BIAS,
  /** Even light: the response of every pixel. */
  FLAT,
  /** Time without light. */
  DARK,
  /** The sky. */
  SCIENCE;

  /** The word for it in instrument files and tables. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
