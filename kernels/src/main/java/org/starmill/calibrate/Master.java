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
 * @param shares what each of {@code frames} has given, in the same order; empty where that is not
 *     known, as of a master that was read from a file
 */
public record Master(
    float[] level,
    float[] error,
    short[] used,
    int width,
    int height,
    double readNoise,
    List<Integer> frames,
    List<Rejection> rejected,
    List<FrameShare> shares) {

  /** A frame left out of a master: its position in the order given, and why. */
  public record Rejection(int frame, String reason) {}

  /**
   * What a frame has given to a master.
   *
   * @param level median of its values, ADU after overscan subtraction; of a flat also less the bias
   * @param clipped number of its values that were clipped
   */
  public record FrameShare(double level, long clipped) {}

  public Master {
    frames = List.copyOf(frames);
    rejected = List.copyOf(rejected);
    shares = List.copyOf(shares);
  }

  /** A master of whose frames no more is known. */
  public Master(
      float[] level,
      float[] error,
      short[] used,
      int width,
      int height,
      double readNoise,
      List<Integer> frames,
      List<Rejection> rejected) {
    this(level, error, used, width, height, readNoise, frames, rejected, List.of());
  }
}
