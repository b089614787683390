package org.starmill.detect;

import java.util.Arrays;
import org.starmill.image.PixelFlag;

/**
 * Looks closely at one place of one column and masks it there, if it is defective.
 *
 * <p>Finds from which row to which it stands off: the run of rows with the greatest sum of the
 * differences less half their level, which is the most likely one for noise that is Gaussian (Page
 * 1954, Biometrika 41, 100). Then tells it from light: a defect is one column wide, or two, with
 * nothing beside it, and as strong at its ends as in its middle; what the optics have drawn has the
 * PSF's width and fades.
 */
final class ColumnInspection {
  /** Differences count up to so many standard deviations of the sky. */
  static final float CLIP = 2;

  /**
   * Significance a run needs, and those of fewer rows: there are many more of them, and the light
   * of stars that happen to line up is no Gaussian noise, though seldom as strong as the sky's.
   */
  private static final double SIGNIFICANT = 5;

  private static final double SHORT_SIGNIFICANT = 8;
  private static final double STRONG_SIGNIFICANT = 6;
  private static final int SHORT_ROWS = 512;
  private static final double STRONG = 1;

  /** Least level in standard deviations of the sky; for runs no longer than bright stars are. */
  private static final double LEAST_LEVEL = 0.3;

  private static final double SHORT_LEVEL = 1;
  private static final int STAR_ROWS = 64;

  /** Fewest rows of a run. */
  private static final int LEAST_ROWS = 15;

  /** Share of the level that the columns beside a single one, and beside two, may have. */
  private static final double BESIDE_ONE = 0.3;

  private static final double BESIDE_TWO = 0.15;

  /** Medians of the columns beside two are known well enough from this significance on. */
  private static final double SIGNIFICANT_TWO = 12;

  /** Of two columns the fainter has at least this share of the brighter one's level. */
  private static final double ALIKE = 0.5;

  /**
   * Least level as a share of the differences' own scatter, which in crowded stars is far above
   * that of the sky; and for runs no longer than bright stars are.
   */
  private static final double LEAST_CONTRAST = 0.2;

  private static final double SHORT_CONTRAST = 0.8;

  /**
   * Parts of a long run whose means must agree, and the significance of the level by their scatter:
   * what stars leave is alike in neighbouring rows.
   */
  private static final int PARTS = 8;

  private static final double STEADY = 3.5;

  /** A quarter of the run has at least this share of its level. */
  private static final double EVEN = 1 / 3.0;

  /** The end of a run moves so often. */
  private static final int ROUNDS = 3;

  private final float[] image;
  private final float[] base;
  private final short[] mask;
  private final int width;
  private final int height;
  private final double sigma;

  /** Differences of the rows looked at, NaN where there is none; and room for medians. */
  private final float[] difference;

  private final float[] values;
  private final float[] around = new float[4];

  ColumnInspection(float[] image, float[] base, short[] mask, int width, int height, double sigma) {
    this.image = image;
    this.base = base;
    this.mask = mask;
    this.width = width;
    this.height = height;
    this.sigma = sigma;
    this.difference = new float[height];
    this.values = new float[height];
  }

  /**
   * Masks the defect of a column about some rows.
   *
   * @param column of it
   * @param from first of the rows in which it was seen
   * @param to one more than the last
   * @param margin rows to look at on both sides of them
   * @param sign 1 for charge too much, -1 for too little
   * @param level rough mean of the clipped differences in these rows, electrons, above 0
   * @param noise standard deviation of a clipped difference, electrons
   * @return number of pixels masked, 0 where there is no defect
   */
  int mask(int column, int from, int to, int margin, int sign, double level, double noise) {
    int first = Math.max(0, from - margin);
    int end = Math.min(height, to + margin);
    differ(column, first, end, sign);
    int[] run = run(first, end, level);
    if (run == null || !isDefect(run[0], run[1], noise)) {
      return 0;
    }
    double own = median(column, column, column, run[0], run[1], sign);
    double error = 1.25 * noise / Math.sqrt(rows(run[0], run[1]));
    double left = median(column - 1, column, column, run[0], run[1], sign);
    double right = median(column + 1, column, column, run[0], run[1], sign);
    if (Math.max(left, right) < BESIDE_ONE * own + error) {
      return mark(column, run[0], run[1]);
    }
    if (own < SIGNIFICANT_TWO * error) {
      return 0;
    }
    int other = left > right ? column - 1 : column + 1;
    int a = Math.min(column, other);
    int b = Math.max(column, other);
    double one = median(a, a, b, run[0], run[1], sign);
    double two = median(b, a, b, run[0], run[1], sign);
    left = median(a - 1, a, b, run[0], run[1], sign);
    right = median(b + 1, a, b, run[0], run[1], sign);
    double most = Math.max(one, two);
    return Math.min(one, two) > ALIKE * most && Math.max(left, right) < BESIDE_TWO * most
        ? mark(column, run[0], run[1])
        : 0;
  }

  /** Fills in the differences of a column in rows first to end less one. */
  private void differ(int column, int first, int end, int sign) {
    for (int y = first; y < end; y++) {
      // Beside charge that has run over, light of a star's core is all there is.
      boolean apart = usable(column, y) && !overflown(column - 1, y) && !overflown(column + 1, y);
      difference[y] =
          apart ? sign * (image[y * width + column] - beside(column, column, y)) : Float.NaN;
    }
  }

  private boolean usable(int x, int y) {
    int i = y * width + x;
    return x >= 0 && x < width && base[i] > 0 && (mask[i] & PixelFlag.BAD) == 0;
  }

  private boolean overflown(int x, int y) {
    return x >= 0
        && x < width
        && (mask[y * width + x] & (PixelFlag.SATURATED | PixelFlag.BLEED)) != 0;
  }

  /** Median of the pixels two and three columns away that can be used; NaN for fewer than two. */
  private float beside(int a, int b, int y) {
    int n = 0;
    for (int k = 2; k <= ColumnSegmentKernel.REACH; k++) {
      if (usable(a - k, y)) {
        around[n++] = image[y * width + a - k];
      }
      if (usable(b + k, y)) {
        around[n++] = image[y * width + b + k];
      }
    }
    if (n < 2) {
      return Float.NaN;
    }
    Arrays.sort(around, 0, n);
    return 0.5f * (around[(n - 1) / 2] + around[n / 2]);
  }

  private float clipped(int y) {
    float limit = (float) (CLIP * sigma);
    return Math.max(-limit, Math.min(limit, difference[y]));
  }

  /** First and last row of the most likely run; null where there is none. */
  private int[] run(int first, int end, double guess) {
    double level = Math.min(guess, CLIP * sigma);
    int[] best = null;
    for (int round = 0; round < ROUNDS && level > 0; round++) {
      best = null;
      double sum = 0;
      double most = 0;
      int start = first;
      for (int y = first; y < end; y++) {
        if (Float.isNaN(difference[y])) {
          continue;
        }
        if (sum <= 0) {
          sum = 0;
          start = y;
        }
        sum += clipped(y) - 0.5 * level;
        if (sum > most) {
          most = sum;
          best = new int[] {start, y};
        }
      }
      if (best == null) {
        return null;
      }
      level = Math.max(0.5 * LEAST_LEVEL * sigma, clippedMean(best[0], best[1]));
    }
    return best;
  }

  private int rows(int first, int last) {
    int n = 0;
    for (int y = first; y <= last; y++) {
      n += Float.isNaN(difference[y]) ? 0 : 1;
    }
    return n;
  }

  private double clippedMean(int first, int last) {
    double sum = 0;
    int n = 0;
    for (int y = first; y <= last; y++) {
      if (!Float.isNaN(difference[y])) {
        sum += clipped(y);
        n++;
      }
    }
    return n == 0 ? 0 : sum / n;
  }

  private boolean isDefect(int first, int last, double noise) {
    int n = rows(first, last);
    double level = clippedMean(first, last);
    double least = n < STAR_ROWS ? SHORT_LEVEL : LEAST_LEVEL;
    double significant = SIGNIFICANT;
    if (n < SHORT_ROWS) {
      significant = level < STRONG * sigma ? SHORT_SIGNIFICANT : STRONG_SIGNIFICANT;
    }
    if (n < LEAST_ROWS
        || level < least * sigma
        || level * Math.sqrt(n) < significant * noise
        || !standsOut(first, last, level, n < STAR_ROWS ? SHORT_CONTRAST : LEAST_CONTRAST)) {
      return false;
    }
    if (n >= STAR_ROWS) {
      double[] means = means(first, last, PARTS, n);
      double square = 0;
      for (double mean : means) {
        square += (mean - level) * (mean - level);
      }
      double error = Math.sqrt(square / (PARTS - 1) / PARTS);
      if (level < STEADY * error) {
        return false;
      }
    }
    int parts = n < 2 * LEAST_ROWS ? 2 : 4;
    double error = noise * Math.sqrt((double) parts / n);
    for (double mean : means(first, last, parts, n)) {
      if (mean < EVEN * level - error) {
        return false;
      }
    }
    return true;
  }

  /** Means of the clipped differences in parts of a run, each with as many rows. */
  private double[] means(int first, int last, int parts, int n) {
    double[] means = new double[parts];
    int k = 0;
    for (int y = first; y <= last; y++) {
      if (!Float.isNaN(difference[y])) {
        int part = (int) ((long) k++ * parts / n);
        means[part] += clipped(y);
      }
    }
    for (int part = 0; part < parts; part++) {
      int from = (n * part + parts - 1) / parts;
      int to = (n * (part + 1) + parts - 1) / parts;
      means[part] /= to - from;
    }
    return means;
  }

  /** Whether the differences' median is like their clipped mean and a share of their scatter. */
  private boolean standsOut(int first, int last, double level, double contrast) {
    int n = 0;
    for (int y = first; y <= last; y++) {
      if (!Float.isNaN(difference[y])) {
        values[n++] = difference[y];
      }
    }
    double median = middle(n);
    for (int k = 0; k < n; k++) {
      values[k] = (float) Math.abs(values[k] - median);
    }
    return median > ALIKE * level && median > contrast * 1.4826 * middle(n);
  }

  /**
   * Median of what a column stands off by from those beside columns a to b, in the rows that have a
   * difference; 0 where it cannot be used.
   */
  private double median(int column, int a, int b, int first, int last, int sign) {
    int n = 0;
    for (int y = first; y <= last; y++) {
      if (!Float.isNaN(difference[y]) && usable(column, y)) {
        values[n++] = sign * (image[y * width + column] - beside(a, b, y));
      }
    }
    return n == 0 ? 0 : middle(n);
  }

  private double middle(int n) {
    Arrays.sort(values, 0, n);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
  }

  /** Marks the pixels of a run and a row more at both ends, which a step may have blurred. */
  private int mark(int column, int first, int last) {
    int marked = 0;
    for (int y = Math.max(0, first - 1); y <= Math.min(height - 1, last + 1); y++) {
      int i = y * width + column;
      marked += (mask[i] & PixelFlag.BAD) == 0 ? 1 : 0;
      mask[i] |= (short) PixelFlag.BAD;
    }
    return marked;
  }
}
