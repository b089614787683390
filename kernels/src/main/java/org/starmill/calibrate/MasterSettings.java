package org.starmill.calibrate;

/**
 * Every choice that the building of a master depends on.
 *
 * @param minimumFrames fewest frames a master is built from, at least 2
 * @param maximumFrames frames after which no more are read, at most {@value #MOST_FRAMES}
 * @param clip standard deviations from which on a value is left out
 * @param iterations how often values are clipped, at least 1
 * @param overscan how the level of a row is measured
 */
public record MasterSettings(
    int minimumFrames, int maximumFrames, double clip, int iterations, Overscan overscan) {
  /** The most frames that can be combined at once. */
  public static final int MOST_FRAMES = 64;

  /** 3 to 50 frames, values clipped twice at three standard deviations. */
  public static final MasterSettings DEFAULT = new MasterSettings(3, 50, 3.0, 2, Overscan.DEFAULT);

  public MasterSettings {
    if (minimumFrames < 2
        || maximumFrames < minimumFrames
        || maximumFrames > MOST_FRAMES
        || !(clip > 1)
        || iterations < 1) {
      throw new IllegalArgumentException(
          "masters of %d to %d frames clipped %d times at %s sigma: expected 2 <= minimum <= maximum <= %d, at least one clipping at more than 1 sigma"
              .formatted(minimumFrames, maximumFrames, iterations, clip, MOST_FRAMES));
    }
  }
}
