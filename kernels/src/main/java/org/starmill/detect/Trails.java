package org.starmill.detect;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.starmill.image.PixelFlag;

/**
 * Masks the trails of satellites and aircraft, which a search turns into chains of false stars.
 *
 * <p>A chain begins where a peak has others close by on two opposite sides. From each such place a
 * line is grown in steps, fitted anew to the peaks beside it at each; it goes on as long as there
 * are many more of them than the field's density would put there. What is long enough is looked at
 * on the pixels: the light along the line above that beside it, in pieces; the trail is where they
 * are bright. Its width is measured on the mean profile across it.
 *
 * <p>A trail that fills its pixels leaves no peaks. Saturated pixels therefore count among them,
 * one place for all those in a small cell, and as bright where the line's pixels are looked at:
 * many in a row are a trail, unless they keep to one column, along which stars bleed.
 */
public final class Trails {
  /**
   * Which peaks make a chain.
   *
   * @param significance below which they are left aside
   * @param link how far apart neighbours may be, FWHM
   * @param firstReach the first of {@link #REACH} to look along
   */
  private record Chain(float significance, double link, int firstReach) {}

  private static final Chain CLOSE = new Chain(5, 8, 0);

  /**
   * On a bright trail almost along rows or columns it is not the noise that makes peaks: there is
   * one where the axis crosses the middle of a pixel, all 16 pixels at 3.6 degrees.
   */
  private static final Chain WIDE = new Chain(200, 24, 2);

  /** How far peaks of a chain may be from its line; FWHM. */
  private static final double ASIDE = 0.6;

  /** Cosine of the angle by which two neighbours may fail to be opposite. */
  private static final double OPPOSITE = -0.985;

  /** Half lengths of the line as it grows, FWHM. */
  private static final double[] REACH = {18, 40, 100, 250, 600, 1500};

  /** A chain has so many peaks more than the field by chance, in standard deviations and in all. */
  private static final double IMPROBABLE = 7;

  private static final int LEAST_PEAKS = 7;

  /** Length of a piece of the line, and of the shortest trail; FWHM. */
  private static final double PIECE = 16;

  private static final double SHORTEST = 50;

  /**
   * Significance of a piece that belongs to a trail; the share of pieces that must, and that must
   * have enough pixels that can be used: what is bright beside a bleeding column alone is a star's.
   */
  private static final double BRIGHT = 4;

  private static final double COVERED = 0.75;

  /**
   * Light of a trail's brightest eighth against its faintest quarter, at most: the spikes of a
   * bright star fade with the distance from it.
   */
  private static final double UNEVEN = 4;

  /**
   * Within a piece, the light that a quarter of its pixels exceed against the median, at most, and
   * by how many standard deviations of a pixel it may be more: between the stars of a row there is
   * only what their wings shed.
   */
  private static final double UNEVEN_PIECE = 3;

  private static final double UNEVEN_NOISE = 2;

  /** Side of the cells whose saturated pixels stand for one peak; FWHM. */
  private static final double SATURATED_CELL = 3;

  /**
   * A line of saturated pixels that strays less far from a column may be charge that bled; FWHM.
   */
  private static final double STRAYS = 3;

  /**
   * Where light beside the line is measured, FWHM from it: farther off where that is saturated too.
   */
  private static final double[] BESIDE = {3.5, 8};

  /** How far across the line its profile is measured, FWHM, and steps a pixel. */
  private static final double ACROSS = 10;

  private static final int MOST_TRAILS = 20;

  /**
   * Adds {@link PixelFlag#TRAIL} to the mask of all pixels on trails.
   *
   * @param image electrons, sky subtracted
   * @param base variance of the empty sky, 0 where a pixel must not be used
   * @param mask bits of {@link PixelFlag}, changed
   * @param width columns
   * @param height rows
   * @param peaks of a search of this image, in the order of rows
   * @param fwhm of the PSF, pixels
   * @return number of trails
   */
  public int mask(
      float[] image, float[] base, short[] mask, int width, int height, Peaks peaks, double fwhm) {
    Filled filled = Filled.of(image, base, mask, width, height, fwhm);
    int close = new Search(image, base, mask, width, height, peaks, filled, fwhm, CLOSE).run();
    if (close > 0) {
      // What is on a trail by now is filled by no star.
      filled = Filled.of(image, base, mask, width, height, fwhm);
    }
    return close + new Search(image, base, mask, width, height, peaks, filled, fwhm, WIDE).run();
  }

  /** Bits of pixels that light has filled, theirs or their neighbours'. */
  private static final int FULL = PixelFlag.SATURATED | PixelFlag.BLEED;

  /** Places in no order, two arrays that grow. */
  private static final class Places {
    private float[] x;
    private float[] y;
    private int count;

    Places(int expected) {
      x = new float[expected + 16];
      y = new float[expected + 16];
    }

    void add(float px, float py) {
      if (count == x.length) {
        x = Arrays.copyOf(x, 2 * count);
        y = Arrays.copyOf(y, 2 * count);
      }
      x[count] = px;
      y[count] = py;
      count++;
    }
  }

  /** A straight line: a point, its direction, and from where to where along it. */
  private record Line(double x, double y, double cos, double sin, double from, double to) {
    double along(double px, double py) {
      return (px - x) * cos + (py - y) * sin;
    }

    double across(double px, double py) {
      return (py - y) * cos - (px - x) * sin;
    }
  }

  /**
   * Light along a stretch of a line, electrons.
   *
   * @param median of its pixels
   * @param upper what a quarter of them exceed
   * @param sigma of one pixel
   * @param places number of pixels that could be used
   */
  private record Stretch(double median, double upper, double sigma, int places) {
    boolean isBright() {
      // A median's error is 1.25 times a mean's.
      return median > BRIGHT * 1.25 * sigma / Math.sqrt(places);
    }

    boolean isEven() {
      return upper < UNEVEN_PIECE * median + UNEVEN_NOISE * sigma;
    }
  }

  /**
   * What light has filled: the middles of the saturated pixels of cells, and the electrons that
   * stand for such a pixel, the most that one not saturated holds.
   */
  private record Filled(Places places, float full) {
    static Filled of(
        float[] image, float[] base, short[] mask, int width, int height, double fwhm) {
      Places places = places(mask, width, height, fwhm);
      return new Filled(places, places.count == 0 ? 0 : brightest(image, base));
    }

    private static Places places(short[] mask, int width, int height, double fwhm) {
      Places places = new Places(0);
      int side = Math.max(3, (int) Math.round(SATURATED_CELL * fwhm));
      int across = (width + side - 1) / side;
      int[] count = new int[across];
      double[] sumX = new double[across];
      double[] sumY = new double[across];
      for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
          if (isFull(mask[row * width + column], PixelFlag.SATURATED)) {
            count[column / side]++;
            sumX[column / side] += column;
            sumY[column / side] += row;
          }
        }
        if (row % side == side - 1 || row == height - 1) {
          for (int c = 0; c < across; c++) {
            if (count[c] > 0) {
              places.add((float) (sumX[c] / count[c]), (float) (sumY[c] / count[c]));
            }
          }
          Arrays.fill(count, 0);
          Arrays.fill(sumX, 0);
          Arrays.fill(sumY, 0);
        }
      }
      return places;
    }

    private static float brightest(float[] image, float[] base) {
      float most = 0;
      for (int i = 0; i < image.length; i++) {
        // Few pixels pass the first test.
        if (image[i] > most && base[i] > 0) {
          most = image[i];
        }
      }
      return most;
    }

    /** Whether light has filled a pixel: one known to be bad is full for other reasons. */
    static boolean isFull(int found, int bits) {
      return (found & bits) != 0
          && (found & (PixelFlag.BAD | PixelFlag.NO_DATA | PixelFlag.TRAIL)) == 0;
    }
  }

  private static final class Search {
    private final float[] image;
    private final float[] base;
    private final short[] mask;
    private final int width;
    private final int height;
    private final double fwhm;
    private final Chain chain;

    /** Significant peaks and what is saturated, sorted into square cells. */
    private final float[] x;

    private final float[] y;
    private final boolean[] used;
    private final double cell;
    private final int columns;
    private final int rows;
    private final int[] start;
    private final double density;

    /** Whether some places are not peaks but saturated pixels. */
    private final boolean anySaturated;

    /** Electrons that stand for a saturated pixel. */
    private final float full;

    Search(
        float[] image,
        float[] base,
        short[] mask,
        int width,
        int height,
        Peaks peaks,
        Filled filled,
        double fwhm,
        Chain chain) {
      this.image = image;
      this.base = base;
      this.mask = mask;
      this.width = width;
      this.height = height;
      this.fwhm = fwhm;
      this.chain = chain;
      cell = chain.link() * fwhm;
      columns = (int) Math.ceil(width / cell) + 1;
      rows = (int) Math.ceil(height / cell) + 1;
      start = new int[columns * rows + 1];
      Places places = new Places(peaks.count());
      for (int k = 0; k < peaks.count(); k++) {
        if (peaks.significance()[k] > chain.significance()
            && !isMasked(peaks.x()[k], peaks.y()[k])) {
          places.add(peaks.x()[k], peaks.y()[k]);
        }
      }
      for (int k = 0; k < filled.places.count; k++) {
        places.add(filled.places.x[k], filled.places.y[k]);
      }
      anySaturated = filled.places.count > 0;
      full = filled.full;
      for (int k = 0; k < places.count; k++) {
        start[cellOf(places.x[k], places.y[k]) + 1]++;
      }
      for (int c = 0; c < columns * rows; c++) {
        start[c + 1] += start[c];
      }
      x = new float[places.count];
      y = new float[places.count];
      used = new boolean[places.count];
      int[] next = start.clone();
      for (int k = 0; k < places.count; k++) {
        int at = next[cellOf(places.x[k], places.y[k])]++;
        x[at] = places.x[k];
        y[at] = places.y[k];
      }
      density = places.count / (double) width / height;
    }

    /** Whether the pixel of a peak is on a trail already. */
    private boolean isMasked(double px, double py) {
      int i = pixel(px, py);
      return i >= 0 && (mask[i] & PixelFlag.TRAIL) != 0;
    }

    private int cellOf(double px, double py) {
      return clamp((int) ((py + 0.5) / cell), rows) * columns
          + clamp((int) ((px + 0.5) / cell), columns);
    }

    private static int clamp(int value, int count) {
      return Math.max(0, Math.min(count - 1, value));
    }

    int run() {
      int trails = 0;
      for (int k = 0; k < x.length && trails < MOST_TRAILS; k++) {
        if (!used[k]) {
          Line line = chainAt(k);
          if (line != null && isTrail(line)) {
            trails++;
          }
        }
      }
      return trails;
    }

    /**
     * The line through a peak and neighbours on opposite sides, grown; null where there is none.
     */
    private Line chainAt(int k) {
      int[] near = new int[64];
      int count = 0;
      int cx = clamp((int) ((x[k] + 0.5) / cell), columns);
      int cy = clamp((int) ((y[k] + 0.5) / cell), rows);
      for (int row = Math.max(0, cy - 1); row <= Math.min(rows - 1, cy + 1); row++) {
        int from = start[row * columns + Math.max(0, cx - 1)];
        int to = start[row * columns + Math.min(columns - 1, cx + 1) + 1];
        for (int i = from; i < to && count < near.length; i++) {
          double distance = Math.hypot(x[i] - x[k], y[i] - y[k]);
          if (i != k && !used[i] && distance < cell) {
            near[count++] = i;
          }
        }
      }
      for (int a = 0; a < count; a++) {
        double ax = x[near[a]] - x[k];
        double ay = y[near[a]] - y[k];
        double lengthA = Math.hypot(ax, ay);
        for (int b = a + 1; b < count; b++) {
          double bx = x[near[b]] - x[k];
          double by = y[near[b]] - y[k];
          double lengthB = Math.hypot(bx, by);
          double dot = ax * bx + ay * by;
          if (dot < OPPOSITE * lengthA * lengthB && lengthA + lengthB > 0.8 * cell) {
            double length = Math.hypot(ax - bx, ay - by);
            Line line = new Line(x[k], y[k], (ax - bx) / length, (ay - by) / length, -cell, cell);
            Line grown = grow(line);
            if (grown != null) {
              return grown;
            }
          }
        }
      }
      return null;
    }

    /** Fits the line to more and more of the peaks beside it; null where they are too few. */
    private Line grow(Line line) {
      Line now = line;
      for (int k = chain.firstReach(); k < REACH.length; k++) {
        double reach = REACH[k];
        now = fitted(now, reach * fwhm);
        if (now == null) {
          return null;
        }
        if (now.to() - now.from() < reach * fwhm) {
          break;
        }
      }
      return now.to() - now.from() < 0.8 * SHORTEST * fwhm ? null : now;
    }

    /** The least squares line of the peaks beside a line, as far as a reach to both sides. */
    private Line fitted(Line line, double reach) {
      double aside = ASIDE * fwhm;
      int steps = (int) Math.ceil(2 * reach / cell);
      double n = 0;
      double st = 0;
      double ss = 0;
      double stt = 0;
      double sts = 0;
      double least = 0;
      double most = 0;
      double inside = 0;
      // The cells the line runs through, each with the ones beside it, once.
      for (int step = 0; step <= steps; step++) {
        double t = -reach + step * 2 * reach / steps;
        double px = line.x() + t * line.cos();
        double py = line.y() + t * line.sin();
        if (px < -cell || py < -cell || px > width + cell || py > height + cell) {
          continue;
        }
        inside += 2 * reach / (steps + 1);
        double half = reach / steps + 1e-9;
        int fromRow =
            clamp((int) Math.floor((py - half * Math.abs(line.sin()) - aside) / cell), rows);
        int toRow =
            clamp((int) Math.floor((py + half * Math.abs(line.sin()) + aside + 1) / cell), rows);
        int fromColumn =
            clamp((int) Math.floor((px - half * Math.abs(line.cos()) - aside) / cell), columns);
        int toColumn =
            clamp((int) Math.floor((px + half * Math.abs(line.cos()) + aside + 1) / cell), columns);
        for (int row = fromRow; row <= toRow; row++) {
          int to = start[row * columns + toColumn + 1];
          for (int i = start[row * columns + fromColumn]; i < to; i++) {
            double along = line.along(x[i], y[i]);
            double across = line.across(x[i], y[i]);
            if (Math.abs(across) < aside && along >= t - half && along < t + half) {
              n++;
              st += along;
              ss += across;
              stt += along * along;
              sts += along * across;
              least = Math.min(least, along);
              most = Math.max(most, along);
            }
          }
        }
      }
      double expected = density * inside * 2 * aside;
      if (n < LEAST_PEAKS || n < expected + IMPROBABLE * Math.sqrt(expected + 1)) {
        return null;
      }
      double spread = stt - st * st / n;
      double slope = spread > 0 ? (sts - st * ss / n) / spread : 0;
      double offset = (ss - slope * st) / n;
      double norm = Math.sqrt(1 + slope * slope);
      return new Line(
          line.x() - offset * line.sin(),
          line.y() + offset * line.cos(),
          (line.cos() - slope * line.sin()) / norm,
          (line.sin() + slope * line.cos()) / norm,
          least,
          most);
    }

    /** Looks at the pixels along a line and masks them, if a trail is there. */
    private boolean isTrail(Line line) {
      markUsed(line);
      for (double beside : BESIDE) {
        if (isTrail(line, beside * fwhm)) {
          return true;
        }
        if (!anySaturated) {
          return false;
        }
      }
      return false;
    }

    private boolean isTrail(Line line, double side) {
      boolean filled =
          anySaturated && Math.abs(line.cos()) * (line.to() - line.from()) > STRAYS * fwhm;
      double piece = PIECE * fwhm;
      double diagonal = Math.hypot(width, height);
      int pieces = (int) Math.ceil(2 * diagonal / piece);
      double[] light = new double[pieces];
      boolean[] bright = new boolean[pieces];
      boolean[] known = new boolean[pieces];
      for (int p = 0; p < pieces; p++) {
        double from = -diagonal + p * piece;
        Stretch stretch = measure(line, from, from + piece, side, filled);
        known[p] = stretch.places() > 0.3 * piece;
        light[p] = stretch.median();
        bright[p] = known[p] && stretch.isBright() && stretch.isEven();
      }
      int[] extent = longestRun(bright, known);
      if (extent == null) {
        return false;
      }
      double[] sorted =
          IntStream.rangeClosed(extent[0], extent[1])
              .filter(p -> known[p])
              .mapToDouble(p -> light[p])
              .sorted()
              .toArray();
      int covered =
          (int) IntStream.rangeClosed(extent[0], extent[1]).filter(p -> bright[p]).count();
      if (sorted.length * piece < SHORTEST * fwhm
          || sorted.length < COVERED * (extent[1] - extent[0] + 1)
          || covered < COVERED * sorted.length
          || sorted[sorted.length * 7 / 8] > UNEVEN * sorted[sorted.length / 4]) {
        return false;
      }
      Line whole =
          new Line(
              line.x(),
              line.y(),
              line.cos(),
              line.sin(),
              -diagonal + (extent[0] - 0.5) * piece,
              -diagonal + (extent[1] + 1.5) * piece);
      whole = centred(whole, filled);
      markUsed(whole);
      draw(whole, halfWidth(whole, filled));
      return true;
    }

    /** First and last of the run with most bright pieces, gaps of up to two bridged; or null. */
    private static int[] longestRun(boolean[] bright, boolean[] known) {
      int[] best = null;
      int most = 0;
      int first = -1;
      int last = -1;
      int count = 0;
      int dark = 0;
      for (int p = 0; p < bright.length; p++) {
        if (bright[p]) {
          if (first < 0) {
            first = p;
            count = 0;
          }
          last = p;
          count++;
          dark = 0;
          if (count > most) {
            most = count;
            best = new int[] {first, last};
          }
        } else if (known[p]) {
          dark++;
          if (dark > 2) {
            first = -1;
          }
        }
      }
      return best;
    }

    /**
     * The light on a stretch of the line above that beside it.
     *
     * @param side distance from the line at which its surroundings are measured
     * @param filled whether saturated pixels are the line's light
     */
    private Stretch measure(Line line, double from, double to, double side, boolean filled) {
      int places = (int) (to - from) + 1;
      double[] excess = new double[places];
      int n = 0;
      double variance = 0;
      for (int k = 0; k < places; k++) {
        double t = from + k;
        double px = line.x() + t * line.cos();
        double py = line.y() + t * line.sin();
        int on = pixel(px, py);
        boolean bright = on >= 0 && base[on] <= 0 && filled && Filled.isFull(mask[on], FULL);
        int left = usable(px - side * line.sin(), py + side * line.cos());
        int right = usable(px + side * line.sin(), py - side * line.cos());
        if (on >= 0 && (bright || base[on] > 0) && left >= 0 && right >= 0) {
          excess[n++] = (bright ? full : image[on]) - 0.5 * (image[left] + image[right]);
          variance += (bright ? full : base[on]) + 0.25 * (base[left] + base[right]);
        }
      }
      if (n == 0) {
        return new Stretch(0, 0, 1, 0);
      }
      Arrays.sort(excess, 0, n);
      return new Stretch(excess[n / 2], excess[n * 3 / 4], Math.sqrt(variance / n), n);
    }

    /**
     * The line through the middle of its light, piece by piece: over the length of an image peaks
     * beside a saturated core do not fix its direction to a pixel.
     */
    private Line centred(Line line, boolean filled) {
      double piece = PIECE * fwhm;
      int pieces = (int) Math.ceil((line.to() - line.from()) / piece);
      double[] along = new double[pieces];
      double[] across = new double[pieces];
      int n = 0;
      for (int p = 0; p < pieces; p++) {
        double from = line.from() + p * piece;
        double middle = middleOf(line, from, from + piece, filled);
        if (!Double.isNaN(middle)) {
          along[n] = from + 0.5 * piece;
          across[n++] = middle;
        }
      }
      // Pieces a star has pulled aside are left out of the second and third fit.
      double offset = 0;
      double slope = 0;
      for (int round = 0; round < 3; round++) {
        double count = 0;
        double st = 0;
        double ss = 0;
        double stt = 0;
        double sts = 0;
        for (int k = 0; k < n; k++) {
          if (round == 0 || Math.abs(across[k] - offset - slope * along[k]) < 0.5 * fwhm) {
            count++;
            st += along[k];
            ss += across[k];
            stt += along[k] * along[k];
            sts += along[k] * across[k];
          }
        }
        double spread = stt - st * st / count;
        if (count < 3 || !(spread > 0)) {
          return line;
        }
        slope = (sts - st * ss / count) / spread;
        offset = (ss - slope * st) / count;
      }
      double norm = Math.sqrt(1 + slope * slope);
      return new Line(
          line.x() - offset * line.sin(),
          line.y() + offset * line.cos(),
          (line.cos() - slope * line.sin()) / norm,
          (line.sin() + slope * line.cos()) / norm,
          line.from(),
          line.to());
    }

    /** Where across a stretch of the line its median profile has its middle; NaN without light. */
    private double middleOf(Line line, double from, double to, boolean filled) {
      int reach = (int) Math.ceil(3 * fwhm);
      double[] profile = new double[2 * reach + 1];
      double[] values = new double[(int) (to - from) + 2];
      double least = Double.POSITIVE_INFINITY;
      for (int d = -reach; d <= reach; d++) {
        int n = 0;
        for (double t = from; t < to; t++) {
          int i =
              pixel(
                  line.x() + t * line.cos() - d * line.sin(),
                  line.y() + t * line.sin() + d * line.cos());
          if (i >= 0 && (base[i] > 0 || (filled && Filled.isFull(mask[i], FULL)))) {
            values[n++] = base[i] > 0 ? image[i] : full;
          }
        }
        if (n < 0.3 * (to - from)) {
          return Double.NaN;
        }
        Arrays.sort(values, 0, n);
        profile[d + reach] = values[n / 2];
        least = Math.min(least, values[n / 2]);
      }
      double sum = 0;
      double moment = 0;
      for (int d = -reach; d <= reach; d++) {
        sum += profile[d + reach] - least;
        moment += d * (profile[d + reach] - least);
      }
      return sum > 0 ? moment / sum : Double.NaN;
    }

    /** The pixel at a place, or -1 where there is none that may be used. */
    private int usable(double px, double py) {
      int i = pixel(px, py);
      return i >= 0 && base[i] > 0 ? i : -1;
    }

    /** The pixel at a place, or -1 where there is none. */
    private int pixel(double px, double py) {
      int column = (int) Math.floor(px + 0.5);
      int row = (int) Math.floor(py + 0.5);
      if (column < 0 || row < 0 || column >= width || row >= height) {
        return -1;
      }
      return row * width + column;
    }

    /**
     * How far from the line its median profile sinks to a fifth of the sky's noise.
     *
     * @param filled whether saturated pixels are the line's light
     */
    private double halfWidth(Line line, boolean filled) {
      int most = (int) Math.ceil(ACROSS * fwhm);
      double[] profile = new double[most + 1];
      double sigma = 1;
      for (int d = 0; d <= most; d++) {
        double[] values = new double[2 * ((int) (line.to() - line.from()) + 1)];
        int n = 0;
        double sum = 0;
        for (double t = line.from(); t < line.to(); t++) {
          for (int sign = -1; sign <= 1; sign += 2) {
            int i =
                pixel(
                    line.x() + t * line.cos() - sign * d * line.sin(),
                    line.y() + t * line.sin() + sign * d * line.cos());
            if (i >= 0 && n < values.length) {
              if (base[i] > 0) {
                values[n++] = image[i];
                sum += base[i];
              } else if (filled && Filled.isFull(mask[i], FULL)) {
                values[n++] = full;
                sum += full;
              }
            }
          }
        }
        if (n > 0) {
          Arrays.sort(values, 0, n);
          profile[d] = values[n / 2];
          sigma = Math.sqrt(sum / n);
        }
      }
      double beside = profile[most];
      int half = 0;
      while (half < most && profile[half] - beside > 0.2 * sigma) {
        half++;
      }
      return Math.max(fwhm, half + 0.5);
    }

    private void draw(Line line, double half) {
      int fromRow =
          bound(
              line.y() + Math.min(line.from() * line.sin(), line.to() * line.sin()) - half, height);
      int toRow =
          bound(
              line.y() + Math.max(line.from() * line.sin(), line.to() * line.sin()) + half, height);
      boolean steep = Math.abs(line.sin()) > 0.05;
      for (int row = fromRow; row <= toRow; row++) {
        double from = 0;
        double to = width - 1.0;
        if (steep) {
          double centre = line.x() + (row - line.y()) * line.cos() / line.sin();
          from = centre - half / Math.abs(line.sin());
          to = centre + half / Math.abs(line.sin());
        }
        for (int column = bound(from, width); column <= bound(to, width); column++) {
          double along = line.along(column, row);
          if (Math.abs(line.across(column, row)) <= half
              && along >= line.from()
              && along <= line.to()) {
            mask[row * width + column] |= (short) PixelFlag.TRAIL;
          }
        }
      }
    }

    private static int bound(double value, int count) {
      return (int) Math.max(0, Math.min(count - 1.0, Math.rint(value)));
    }

    /** The peaks of a line are not to begin another. */
    private void markUsed(Line line) {
      for (int i = 0; i < x.length; i++) {
        double along = line.along(x[i], y[i]);
        if (Math.abs(line.across(x[i], y[i])) < 1.5 * fwhm
            && along >= line.from() - cell
            && along <= line.to() + cell) {
          used[i] = true;
        }
      }
    }
  }
}
