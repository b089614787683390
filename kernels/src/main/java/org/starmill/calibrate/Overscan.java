package org.starmill.calibrate;

import java.util.Arrays;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;
import org.starmill.image.RawFrame;
import org.starmill.image.Section;

/**
 * Measures the electronic level under each row of a frame from its overscan.
 *
 * <p>The level of a row is the mean of its overscan pixels within four standard deviations of their
 * median. The levels of neighbouring rows are then joined by a straight line fitted to the rows of
 * a window, so that the noise that the overscan adds is that of a window's worth of pixels and not
 * of one row's. Where the level jumps between two rows the window ends there: a step survives.
 * Where rows scatter more than their pixels' noise explains, the excess is real and is kept: a
 * row's level is then its line plus the share {@code excess variance / whole variance} of its own
 * departure from the line (the linear estimate of least mean square error, Wiener 1949). A single
 * row far off its neighbours, as a bleeding star leaves it in the overscan, is not believed.
 *
 * @param skip columns left out on the side of the overscan that faces the data, where charge left
 *     behind by the last data columns comes out; 0 is used for an overscan of fewer than 8 columns
 * @param window rows that a straight line is fitted to, odd
 */
public record Overscan(int skip, int window) {
  /** Two columns left out, lines over 63 rows. */
  public static final Overscan DEFAULT = new Overscan(2, 63);

  private static final double CLIP = 4;
  private static final int STEP_REACH = 16;
  private static final double STEP_SIGMA = 6;
  private static final double ROW_SIGMA = 5;
  // The rounding to whole ADU alone scatters by this much.
  private static final double SMALLEST_NOISE = Math.sqrt(1 / 12.0);

  public Overscan {
    if (skip < 0 || window < 3 || window % 2 == 0) {
      throw new IllegalArgumentException(
          "overscan with %d columns left out and a window of %d rows: expected at least 0 and an odd number of at least 3"
              .formatted(skip, window));
    }
  }

  /**
   * The level of each row of the data section.
   *
   * <p>0 where the frame has no overscan; one median for all rows where the overscan does not lie
   * beside the data section or does not cover its rows.
   *
   * @return ADU, {@code frame.data().height()} values
   * @throws ImageRejected "empty overscan" where the overscan holds no finite value
   */
  public float[] levels(RawFrame frame) {
    Section data = frame.data();
    Section section = frame.overscan();
    float[] levels = new float[data.height()];
    if (section == null) {
      return levels;
    }
    boolean right = section.x() >= data.x() + data.width();
    boolean left = section.x() + section.width() <= data.x();
    boolean coversRows =
        section.y() <= data.y() && section.y() + section.height() >= data.y() + data.height();
    if (!coversRows || !(left || right)) {
      Arrays.fill(levels, median(frame, section));
      return levels;
    }
    int out = section.width() >= 8 && section.width() > skip ? skip : 0;
    Section used =
        new Section(
            section.x() + (right ? out : 0), data.y(), section.width() - out, data.height());
    return new Rows(frame, used).levels(window);
  }

  private static float median(RawFrame frame, Section section) {
    float[] values = new float[section.width() * section.height()];
    int count = 0;
    for (int y = section.y(); y < section.y() + section.height(); y++) {
      for (int x = section.x(); x < section.x() + section.width(); x++) {
        float value = frame.pixels()[y * frame.width() + x];
        if (Float.isFinite(value)) {
          values[count++] = value;
        }
      }
    }
    if (count == 0) {
      throw empty(section);
    }
    return Selection.median(values, count);
  }

  private static ImageRejected empty(Section section) {
    return new ImageRejected(
        "empty overscan",
        "section [%d:%d,%d:%d] holds no finite value; correct it with sections.overscan.value in the instrument file"
            .formatted(
                section.x() + 1,
                section.x() + section.width(),
                section.y() + 1,
                section.y() + section.height()));
  }

  /** The mean level of every row with its weight, and what is made of them. */
  private static final class Rows {
    private final double[] level;
    private final double[] weight;
    private final int rows;
    private double noise;

    Rows(RawFrame frame, Section section) {
      rows = section.height();
      level = new double[rows];
      weight = new double[rows];
      int width = section.width();
      float[] values = new float[width * rows];
      int[] counts = new int[rows];
      int count = 0;
      for (int y = 0; y < rows; y++) {
        counts[y] = finite(frame, section, y, values, y * width);
        count += counts[y];
      }
      if (count == 0) {
        throw empty(section);
      }
      float[] medians = medians(values, width, counts, count == values.length && Devices.VECTORS);
      float[] deviations = new float[count];
      count = 0;
      for (int y = 0; y < rows; y++) {
        float median = medians[y];
        for (int i = y * width; i < y * width + counts[y]; i++) {
          deviations[count++] = Math.abs(values[i] - median);
        }
      }
      double limit = CLIP * Math.max(SMALLEST_NOISE, 1.4826 * Selection.median(deviations, count));
      double squares = 0;
      int freedom = 0;
      for (int y = 0; y < rows; y++) {
        float median = medians[y];
        double sum = 0;
        double sumOfSquares = 0;
        int used = 0;
        for (int i = y * width; i < y * width + counts[y]; i++) {
          double d = values[i] - median;
          if (Math.abs(d) <= limit) {
            sum += d;
            sumOfSquares += d * d;
            used++;
          }
        }
        if (used > 0) {
          level[y] = medians[y] + sum / used;
          weight[y] = used;
          squares += sumOfSquares - sum * sum / used;
          freedom += used - 1;
        }
      }
      noise = freedom > 0 ? Math.sqrt(squares / freedom) : 0;
    }

    /** The median of the finite values of each row; NaN where it has none. */
    private static float[] medians(float[] values, int width, int[] counts, boolean vectors) {
      float[] medians = new float[counts.length];
      if (vectors) {
        OverscanVectors.medians(values, width, counts.length, medians);
        return medians;
      }
      float[] row = new float[width];
      for (int y = 0; y < counts.length; y++) {
        int n = counts[y];
        System.arraycopy(values, y * width, row, 0, n);
        Arrays.sort(row, 0, n);
        medians[y] = n == 0 ? Float.NaN : 0.5f * (row[(n - 1) / 2] + row[n / 2]);
      }
      return medians;
    }

    private static int finite(RawFrame frame, Section section, int y, float[] into, int at) {
      int start = (section.y() + y) * frame.width() + section.x();
      float[] pixels = frame.pixels();
      int n = 0;
      for (int x = start; x < start + section.width(); x++) {
        float value = pixels[x];
        if (Float.isFinite(value)) {
          into[at + n++] = value;
        }
      }
      return n;
    }

    float[] levels(int window) {
      double[] own = weight.clone();
      disbelieveLoneRows();
      int[] segment = segments();
      float[] smooth = new float[rows];
      float[] departures = new float[rows];
      int count = 0;
      double expected = 0;
      for (int y = 0; y < rows; y++) {
        smooth[y] = (float) line(y, window / 2, segment);
        if (weight[y] > 0) {
          departures[count++] = (float) Math.abs(level[y] - smooth[y]);
          expected += noise * noise / weight[y];
        }
      }
      if (count < 16) {
        return smooth;
      }
      double found = Math.pow(1.4826 * Selection.median(departures, count), 2);
      expected /= count;
      // The median of that many departures scatters by 1.17 / sqrt(count) of its value.
      if (found < expected * (1 + 5 * 2.34 / Math.sqrt(count))) {
        return smooth;
      }
      double share = 1 - expected / found;
      for (int y = 0; y < rows; y++) {
        if (weight[y] > 0 && own[y] > 0) {
          smooth[y] += (float) (share * (level[y] - smooth[y]));
        }
      }
      return smooth;
    }

    /** Takes the weight of rows far off the median of the nine rows around them. */
    private void disbelieveLoneRows() {
      float[] departure = new float[rows];
      float[] sorted = new float[rows];
      int count = 0;
      float[] around = new float[9];
      for (int y = 0; y < rows; y++) {
        int n = 0;
        for (int i = Math.max(0, y - 4); i <= Math.min(rows - 1, y + 4); i++) {
          if (weight[i] > 0) {
            around[n++] = (float) level[i];
          }
        }
        if (weight[y] > 0) {
          departure[y] = (float) Math.abs(level[y] - Selection.median(around, n));
          sorted[count++] = departure[y];
        }
      }
      double sigma = Math.max(1.4826 * Selection.median(sorted, count), rowNoise());
      for (int y = 0; y < rows; y++) {
        if (departure[y] > ROW_SIGMA * sigma) {
          weight[y] = 0;
        }
      }
    }

    private double rowNoise() {
      return noise / Math.sqrt(Arrays.stream(weight).max().orElse(1));
    }

    /** Numbers the stretches of rows between which the level jumps. */
    private int[] segments() {
      double[] jump = new double[rows];
      float[] sizes = new float[rows];
      int count = 0;
      for (int y = 8; y <= rows - 8; y++) {
        double before = mean(Math.max(0, y - STEP_REACH), y);
        double after = mean(y, Math.min(rows, y + STEP_REACH));
        jump[y] = Double.isNaN(after - before) ? 0 : Math.abs(after - before);
        sizes[count++] = (float) jump[y];
      }
      int[] segment = new int[rows];
      if (count == 0) {
        return segment;
      }
      // Real scatter from row to row makes means of rows differ too: it raises the bar.
      double limit =
          STEP_SIGMA
              * Math.max(
                  rowNoise() * Math.sqrt(2.0 / STEP_REACH),
                  1.4826 * Selection.median(sizes, count));
      int number = 0;
      for (int y = 0; y < rows; y++) {
        if (jump[y] > limit) {
          boolean largest = true;
          for (int i = Math.max(0, y - STEP_REACH); i <= Math.min(rows - 1, y + STEP_REACH); i++) {
            largest &= jump[i] < jump[y] || i == y || (jump[i] == jump[y] && i > y);
          }
          number += largest ? 1 : 0;
        }
        segment[y] = number;
      }
      return segment;
    }

    private double mean(int from, int to) {
      double sum = 0;
      double weights = 0;
      for (int y = from; y < to; y++) {
        sum += weight[y] * level[y];
        weights += weight[y];
      }
      return sum / weights;
    }

    /** The weighted least-squares line through the rows around one, at that row. */
    private double line(int y, int reach, int[] segment) {
      double w = 0;
      double wt = 0;
      double wtt = 0;
      double wl = 0;
      double wtl = 0;
      int from = y;
      int to = y;
      // Grows until it finds a row with a level: a gap is bridged from both sides.
      int far = reach;
      while (w == 0) {
        from = Math.max(0, y - far);
        to = Math.min(rows - 1, y + far);
        boolean whole = from == 0 && to == rows - 1;
        for (int i = from; i <= to; i++) {
          if (segment[i] == segment[y] || far > 4 * reach) {
            double t = i - y;
            w += weight[i];
            wt += weight[i] * t;
            wtt += weight[i] * t * t;
            wl += weight[i] * level[i];
            wtl += weight[i] * t * level[i];
          }
        }
        if (w == 0 && whole && far > 4 * reach) {
          throw new IllegalStateException("no row of the overscan has a level");
        }
        far *= 2;
      }
      double determinant = w * wtt - wt * wt;
      if (determinant <= 1e-9 * w * w) {
        return wl / w;
      }
      return (wtt * wl - wt * wtl) / determinant;
    }
  }
}
