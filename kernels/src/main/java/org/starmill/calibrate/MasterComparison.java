package org.starmill.calibrate;

import java.util.Arrays;

/**
 * Compares a master with an earlier one of the same amplifier, and filter.
 *
 * <p>Of two biases <i>n</i> and <i>o</i> with errors <i>s(n)</i>, <i>s(o)</i> it takes the
 * differences <i>n - o</i>, of two flats the ratios <i>n/o</i>, and their medians in boxes of a
 * mesh, at most 16 x 16 and none smaller than 32 pixels, from a sample of some 1,000 pixels in
 * each, a third of that at least where a box has little more. With the median <i>m</i> of its box a
 * pixel departs by
 *
 * <pre>
 *   bias   (n - o - m) / sqrt(s(n)^2 + s(o)^2)
 *   flat   (n - m o) / sqrt(s(n)^2 + m^2 s(o)^2)
 * </pre>
 *
 * which has a standard deviation of 1 where nothing but noise has changed. So what changes over the
 * image (a lamp that shines otherwise) and what changes from pixel to pixel (dust, columns that
 * turn hot) are told apart. The scatter is 1.4826 times the median of the sample's sizes; pixels
 * beyond five are counted over the whole image. A flat's pixels have a value where their response
 * is above 0.2: those below are no good to any image.
 */
public final class MasterComparison {
  private static final int MOST_BOXES = 16;
  private static final int LEAST_SIDE = 32;
  private static final int SAMPLE = 1000;
  private static final int FEWEST = 100;
  private static final float BEYOND = 5;
  private static final float LOWEST_RESPONSE = 0.2f;
  private static final double SIGMA_OF_A_MEDIAN = 1.4826;

  private final Master later;
  private final Master earlier;
  private final boolean flats;
  private final float lowest;
  private final int columns;
  private final int rows;

  private MasterComparison(Master later, Master earlier, boolean flats) {
    if (later.width() != earlier.width() || later.height() != earlier.height()) {
      throw new IllegalArgumentException(
          "masters of %d x %d and %d x %d pixels: expected two of one size"
              .formatted(later.width(), later.height(), earlier.width(), earlier.height()));
    }
    this.later = later;
    this.earlier = earlier;
    this.flats = flats;
    this.lowest = flats ? LOWEST_RESPONSE : Float.NEGATIVE_INFINITY;
    this.columns = boxes(later.width());
    this.rows = boxes(later.height());
  }

  /**
   * Compares two master biases.
   *
   * @throws IllegalArgumentException where they differ in size
   */
  public static MasterChange ofBiases(Master later, Master earlier) {
    return new MasterComparison(later, earlier, false).change();
  }

  /**
   * Compares two master flats.
   *
   * @throws IllegalArgumentException where they differ in size
   */
  public static MasterChange ofFlats(Master later, Master earlier) {
    return new MasterComparison(later, earlier, true).change();
  }

  private static int boxes(int side) {
    return Math.max(1, Math.min(MOST_BOXES, side / LEAST_SIDE));
  }

  private MasterChange change() {
    int boxes = columns * rows;
    int[] sampled = new int[boxes * (SAMPLE + 1)];
    int[] end = new int[boxes];
    int count = 0;
    for (int box = 0; box < boxes; box++) {
      count = sample(box, sampled, count);
      end[box] = count;
    }
    if (count == 0) {
      return new MasterChange(Double.NaN, Double.NaN, Double.NaN, share(new float[boxes]));
    }
    float[] differences = new float[count];
    for (int k = 0; k < count; k++) {
      differences[k] = difference(sampled[k]);
    }
    float[] medians = new float[boxes];
    double shape = 0;
    float level = Selection.median(differences.clone(), count);
    for (int box = 0; box < boxes; box++) {
      int from = box == 0 ? 0 : end[box - 1];
      int size = end[box] - from;
      medians[box] = level;
      if (size >= FEWEST || boxes == 1) {
        medians[box] = Selection.median(Arrays.copyOfRange(differences, from, end[box]), size);
        shape = Math.max(shape, Math.abs(medians[box] - level));
      }
    }
    return new MasterChange(level, shape, scatter(sampled, end, medians), share(medians));
  }

  /** Takes pixels with a value in both masters, in all columns of a box. */
  private int sample(int box, int[] into, int at) {
    int width = later.width();
    int x0 = left(box % columns);
    int x1 = left(box % columns + 1);
    int y0 = top(box / columns);
    int size = (x1 - x0) * (top(box / columns + 1) - y0);
    int step = Math.max(1, (size + SAMPLE - 1) / SAMPLE) | 1;
    int count = at;
    for (int i = 0; i < size && count < at + SAMPLE; i += step) {
      int pixel = (y0 + i / (x1 - x0)) * width + x0 + i % (x1 - x0);
      if (has(later, pixel) && has(earlier, pixel)) {
        into[count++] = pixel;
      }
    }
    return count;
  }

  private int left(int column) {
    return column * later.width() / columns;
  }

  private int top(int row) {
    return row * later.height() / rows;
  }

  private boolean has(Master master, int pixel) {
    return master.used()[pixel] > 0 && master.level()[pixel] > lowest;
  }

  private float difference(int pixel) {
    float now = later.level()[pixel];
    float before = earlier.level()[pixel];
    return flats ? now / before - 1 : now - before;
  }

  private double scatter(int[] sampled, int[] end, float[] medians) {
    float[] sizes = new float[end[end.length - 1]];
    int count = 0;
    for (int box = 0, k = 0; box < end.length; box++) {
      float factor = flats ? 1 + medians[box] : 1;
      float offset = flats ? 0 : medians[box];
      for (; k < end[box]; k++) {
        int i = sampled[k];
        float departure = later.level()[i] - factor * earlier.level()[i] - offset;
        double expected = Math.hypot(later.error()[i], factor * earlier.error()[i]);
        if (expected > 0) {
          sizes[count++] = (float) Math.abs(departure / expected);
        }
      }
    }
    return count == 0 ? Double.NaN : SIGMA_OF_A_MEDIAN * Selection.median(sizes, count);
  }

  /** Goes over all pixels, row by row: the share of those that have changed. */
  private double share(float[] medians) {
    int width = later.width();
    long changed = 0;
    long all = 0;
    for (int row = 0; row < rows; row++) {
      for (int y = top(row); y < top(row + 1); y++) {
        for (int column = 0; column < columns; column++) {
          float median = medians[row * columns + column];
          long counts = counts(y * width + left(column), y * width + left(column + 1), median);
          changed += counts >>> 32;
          all += counts & 0xffffffffL;
        }
      }
    }
    return all == 0 ? 0 : (double) changed / all;
  }

  /** Pixels of a stretch: in the upper half of the bits those that have changed, then all. */
  private long counts(int from, int to, float median) {
    float[] now = later.level();
    float[] before = earlier.level();
    float[] error = later.error();
    float[] errorBefore = earlier.error();
    short[] used = later.used();
    short[] usedBefore = earlier.used();
    float factor = flats ? 1 + median : 1;
    float offset = flats ? 0 : median;
    int changed = 0;
    int all = 0;
    for (int i = from; i < to; i++) {
      int has = used[i] > 0 & now[i] > lowest ? 1 : 0;
      int had = usedBefore[i] > 0 & before[i] > lowest ? 1 : 0;
      float departure = now[i] - factor * before[i] - offset;
      float own = factor * errorBefore[i];
      float most = BEYOND * BEYOND * (error[i] * error[i] + own * own);
      int beyond = departure * departure > most ? 1 : 0;
      changed += has ^ had | has & had & beyond;
      all += has | had;
    }
    return (long) changed << 32 | all;
  }
}
