package org.starmill.calibrate;

/**
 * What a master is like, in a few numbers.
 *
 * <p>The medians are those of a sample of some 200,000 pixels in all columns, of those with a
 * value: right to a thousandth of the scatter between the pixels.
 *
 * @param level median of {@link Master#level}: ADU for a bias, 1 within the sample's error for a
 *     flat; NaN where no pixel has a value
 * @param noise median of {@link Master#error}: one standard deviation of a pixel of the master, ADU
 *     for a bias, relative to the median response for a flat; NaN where no pixel has a value
 * @param clipped number of values that were clipped, of all frames and pixels together
 * @param empty number of pixels without a value
 */
public record MasterSummary(double level, double noise, long clipped, long empty) {
  private static final int SAMPLE = 200_000;

  /** Sums up a master; the clipped values are those that it knows its frames' shares of. */
  public static MasterSummary of(Master master) {
    int step = Math.max(1, master.used().length / SAMPLE) | 1;
    float[] levels = new float[master.used().length / step + 1];
    float[] errors = new float[levels.length];
    int count = 0;
    for (int i = 0; i < master.used().length; i += step) {
      if (master.used()[i] > 0) {
        levels[count] = master.level()[i];
        errors[count++] = master.error()[i];
      }
    }
    long empty = 0;
    for (short used : master.used()) {
      empty += used == 0 ? 1 : 0;
    }
    return new MasterSummary(
        count == 0 ? Double.NaN : Selection.median(levels, count),
        count == 0 ? Double.NaN : Selection.median(errors, count),
        master.shares().stream().mapToLong(Master.FrameShare::clipped).sum(),
        empty);
  }
}
