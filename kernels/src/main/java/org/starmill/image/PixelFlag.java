package org.starmill.image;

/** The bits of a pixel's mask; a star's flags carry those under its core in bits 0 to 15. */
public final class PixelFlag {
  /** Dead, hot or otherwise useless; the pixel carries no weight. */
  public static final int BAD = 1;

  /** At or above the saturation level; no weight. */
  public static final int SATURATED = 1 << 1;

  /** Charge of a saturated pixel ran into it; no weight. */
  public static final int BLEED = 1 << 2;

  /** Hit by a cosmic ray; no weight. */
  public static final int COSMIC_RAY = 1 << 3;

  /** The flat is low here; the pixel is used. */
  public static final int LOW_RESPONSE = 1 << 4;

  /** The frame has no value here; no weight. */
  public static final int NO_DATA = 1 << 5;

  /** Within the margin at the edge of the image; the pixel is used. */
  public static final int EDGE = 1 << 6;

  /** On the trail of a satellite or an aircraft; no weight. */
  public static final int TRAIL = 1 << 7;

  /** A pixel with any of these bits is left out of every sum. */
  public static final int UNUSABLE = BAD | SATURATED | BLEED | COSMIC_RAY | NO_DATA | TRAIL;

  private PixelFlag() {}
}
