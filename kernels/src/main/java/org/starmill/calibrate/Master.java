package org.starmill.calibrate;

import java.util.List;

/**
 * A master bias or master flat: many frames combined into one.
 *
 * @param level bias: ADU, after overscan subtraction; flat: relative response with median 1; the
 *     size of the trimmed image; finite everywhere
 * @param error one standard deviation of {@code level}, in its unit
 * @param used number of frames that went into each pixel after clipping; 0 marks a pixel without a
 *     value
 * @param width columns
 * @param height rows
 * @param readNoise ADU, of a single frame, as the scatter of the bias frames gives it; NaN for a
 *     flat
 * @param frames positions, in the order they were given, of the frames that were used
 * @param rejected the frames that were not, with the reason
 */
public record Master(
    float[] level,
    float[] error,
    short[] used,
    int width,
    int height,
    double readNoise,
    List<Integer> frames,
    List<Rejection> rejected) {

  /** A frame left out of a master: its position in the order given, and why. */
  public record Rejection(int frame, String reason) {}

  public Master {
    frames = List.copyOf(frames);
    rejected = List.copyOf(rejected);
  }
}
