package org.starmill.detect;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.starmill.device.Device;
import org.starmill.image.PixelFlag;

/**
 * Masks the columns that have charge too much or too little from some row on, which a search turns
 * into chains of false stars.
 *
 * <p>Bias frames do not show them, nor do short flats: they are looked for in the image itself. The
 * columns are compared with those beside them in segments of rows; runs of segments that stand off
 * significantly, by the scatter of all columns in the same rows, are inspected row by row, the
 * strongest first, since it disturbs its neighbours' comparison.
 */
public final class DefectiveColumns {
  /** Rows of a segment, about. */
  private static final int SEGMENT = 64;

  /** Differences count up to so many standard deviations of the sky, so that few rows suffice. */
  private static final double CLIP = 3;

  /** Significance from which on a run of segments is inspected. */
  private static final double SUSPECT = 4;

  /** Share of a run's level that the columns on both sides have where stars stand. */
  private static final double WIDE = 0.4;

  /** Half of the least level that matters, in standard deviations of the sky: runs end below it. */
  private static final double DRIFT = 0.15;

  /** A segment with fewer usable rows says nothing. */
  private static final int LEAST_ROWS = 10;

  /** Columns, about, that the median and the scatter of a segment are taken from. */
  private static final int SAMPLE = 600;

  /** Runs of a column that are inspected at most. */
  private static final int MOST_RUNS = 12;

  /**
   * Standard deviation of a clipped difference in Gaussian noise of width 1 at least, of which the
   * scatter of a few columns may fall short.
   */
  private static final double LEAST_NOISE = 1;

  private final Device device;
  private final ColumnSegmentKernel kernel = new ColumnSegmentKernel();

  /** Makes a search; it does not close the device. */
  public DefectiveColumns(Device device) {
    this.device = device;
  }

  /**
   * Adds {@link PixelFlag#BAD} to the mask of all pixels of defective columns.
   *
   * @param image electrons, sky subtracted
   * @param base variance of the empty sky, 0 where a pixel must not be used
   * @param mask bits of {@link PixelFlag}, changed
   * @param width columns
   * @param height rows
   * @return number of pixels that were not bad before
   * @throws org.starmill.device.DeviceException where the device fails
   */
  public int mask(float[] image, float[] base, short[] mask, int width, int height) {
    double sigma = typicalNoise(base);
    if (Double.isNaN(sigma)) {
      return 0;
    }
    measure(image, base, width, height, sigma);
    List<Run> runs = suspects(sigma);
    runs.sort(Comparator.comparingDouble((Run run) -> -run.significance));
    ColumnInspection inspection = new ColumnInspection(image, base, mask, width, height, sigma);
    int marked = 0;
    List<Run> refused = new ArrayList<>();
    boolean[] changed = new boolean[width];
    for (Run run : runs) {
      int pixels = inspect(inspection, run);
      marked += pixels;
      changed[run.column] |= pixels > 0;
      if (pixels == 0) {
        refused.add(run);
      }
    }
    // Of two defects side by side one may hide the other until it is masked.
    for (Run run : refused) {
      boolean anew = false;
      for (int x = run.column - ColumnSegmentKernel.REACH;
          x <= run.column + ColumnSegmentKernel.REACH;
          x++) {
        anew |= x >= 0 && x < width && x != run.column && changed[x];
      }
      marked += anew ? inspect(inspection, run) : 0;
    }
    return marked;
  }

  private int inspect(ColumnInspection inspection, Run run) {
    return inspection.mask(
        run.column,
        kernel.firstRow(run.first),
        kernel.firstRow(run.last + 1),
        SEGMENT,
        run.sign,
        run.level,
        run.noise);
  }

  /** Segments first to last of a column that stand off together; electrons. */
  private record Run(
      int column, int first, int last, int sign, double level, double noise, double significance) {}

  private static double typicalNoise(float[] base) {
    int step = Math.max(1, base.length / 10_000) | 1;
    float[] sample = new float[base.length / step + 1];
    int n = 0;
    for (int i = 0; i < base.length; i += step) {
      if (base[i] > 0) {
        sample[n++] = base[i];
      }
    }
    Arrays.sort(sample, 0, n);
    return n == 0 ? Double.NaN : Math.sqrt(sample[n / 2]);
  }

  private void measure(float[] image, float[] base, int width, int height, double sigma) {
    int segments = Math.max(1, Math.round((float) height / SEGMENT));
    if (kernel.sum == null || kernel.sum.length != segments * width) {
      kernel.sum = new float[segments * width];
      kernel.used = new float[segments * width];
    }
    kernel.width = width;
    kernel.height = height;
    kernel.segments = segments;
    kernel.sideBySide = device.vectorizesLoops() ? 1 : 0;
    kernel.limit = (float) (CLIP * sigma);
    kernel.image = image;
    kernel.base = base;
    device.run(kernel, segments);
    // The planes are the caller's: this object lives on and must not hold them.
    kernel.image = null;
    kernel.base = null;
  }

  private List<Run> suspects(double sigma) {
    int width = kernel.width;
    int segments = kernel.segments;
    double[] noise = new double[segments];
    float[] mean = kernel.sum;
    for (int segment = 0; segment < segments; segment++) {
      noise[segment] = standardise(segment, sigma);
    }
    List<Run> runs = new ArrayList<>();
    float[] used = new float[segments];
    for (int x = 0; x < width; x++) {
      for (int sign = -1; sign <= 1; sign += 2) {
        for (int segment = 0; segment < segments; segment++) {
          used[segment] = kernel.used[segment * width + x];
        }
        boolean more = true;
        for (int k = 0; k < MOST_RUNS && more; k++) {
          Run run = strongest(x, sign, mean, used, noise, sigma);
          more = run != null;
          if (more) {
            if (!isWide(run)) {
              runs.add(run);
            }
            Arrays.fill(used, run.first, run.last + 1, 0f);
          }
        }
      }
    }
    return runs;
  }

  /** Whether the columns on both sides stand off as well, as in the light of stars. */
  private boolean isWide(Run run) {
    int width = kernel.width;
    if (run.column == 0 || run.column == width - 1) {
      return false;
    }
    double left = 0;
    double right = 0;
    double rows = 0;
    for (int segment = run.first; segment <= run.last; segment++) {
      int i = segment * width + run.column;
      rows += kernel.used[i];
      left += kernel.used[i] * run.sign * kernel.sum[i - 1];
      right += kernel.used[i] * run.sign * kernel.sum[i + 1];
    }
    return Math.min(left, right) > WIDE * run.level * rows;
  }

  /**
   * Makes means of a segment's sums, less the median of all columns, and gives the scatter of a
   * single row's difference: stars in a rich field add to that of the sky.
   */
  private double standardise(int segment, double sigma) {
    int from = segment * kernel.width;
    for (int i = from; i < from + kernel.width; i++) {
      if (kernel.used[i] < LEAST_ROWS) {
        kernel.used[i] = 0;
      } else {
        kernel.sum[i] /= kernel.used[i];
      }
    }
    int step = Math.max(1, kernel.width / SAMPLE);
    float[] sample = new float[kernel.width / step + 1];
    double rows = 0;
    int n = 0;
    for (int i = from; i < from + kernel.width; i += step) {
      if (kernel.used[i] > 0) {
        sample[n++] = kernel.sum[i];
        rows += kernel.used[i];
      }
    }
    if (n == 0) {
      return sigma;
    }
    Arrays.sort(sample, 0, n);
    float median = sample[n / 2];
    for (int k = 0; k < n; k++) {
      sample[k] = Math.abs(sample[k] - median);
    }
    Arrays.sort(sample, 0, n);
    for (int i = from; i < from + kernel.width; i++) {
      kernel.sum[i] -= median;
    }
    return Math.max(LEAST_NOISE * sigma, 1.4826 * sample[n / 2] * Math.sqrt(rows / n));
  }

  /** The run of segments with the greatest sum above the drift, or null if none is significant. */
  private static Run strongest(
      int column, int sign, float[] mean, float[] used, double[] noise, double sigma) {
    int width = mean.length / used.length;
    double drift = DRIFT * sigma;
    double sum = 0;
    double most = 0;
    int start = 0;
    int first = 0;
    int last = -1;
    for (int segment = 0; segment < used.length; segment++) {
      if (used[segment] > 0) {
        if (sum <= 0) {
          sum = 0;
          start = segment;
        }
        sum += used[segment] * (sign * mean[segment * width + column] - drift);
        if (sum > most) {
          most = sum;
          first = start;
          last = segment;
        }
      }
    }
    if (last < 0) {
      return null;
    }
    double rows = 0;
    double light = 0;
    double variance = 0;
    for (int segment = first; segment <= last; segment++) {
      rows += used[segment];
      light += used[segment] * sign * mean[segment * width + column];
      variance += used[segment] * noise[segment] * noise[segment];
    }
    double significance = light / Math.sqrt(variance);
    return significance > SUSPECT
        ? new Run(column, first, last, sign, light / rows, Math.sqrt(variance / rows), significance)
        : null;
  }
}
