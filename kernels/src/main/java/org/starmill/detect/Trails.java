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
 * are bright. Its width is measured on the mean profile across it. No step looks at all pixels.
 */
public final class Trails {
  /** Peaks below this significance are left aside. */
  private static final float LEAST_SIGNIFICANCE = 5;

  /** How far apart neighbours in a chain may be, and how far from its line; FWHM. */
  private static final double LINK = 8;

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
    return new Search(image, base, mask, width, height, peaks, fwhm).run();
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

  private static final class Search {
    private final float[] image;
    private final float[] base;
    private final short[] mask;
    private final int width;
    private final int height;
    private final double fwhm;

    /** Significant peaks, sorted into square cells. */
    private final float[] x;

    private final float[] y;
    private final boolean[] used;
    private final double cell;
    private final int columns;
    private final int rows;
    private final int[] start;
    private final double density;

    Search(
        float[] image,
        float[] base,
        short[] mask,
        int width,
        int height,
        Peaks peaks,
        double fwhm) {
      this.image = image;
      this.base = base;
      this.mask = mask;
      this.width = width;
      this.height = height;
      this.fwhm = fwhm;
      cell = LINK * fwhm;
      columns = (int) Math.ceil(width / cell) + 1;
      rows = (int) Math.ceil(height / cell) + 1;
      start = new int[columns * rows + 1];
      int[] chosen =
          IntStream.range(0, peaks.count())
              .filter(k -> peaks.significance()[k] > LEAST_SIGNIFICANCE)
              .toArray();
      for (int k : chosen) {
        start[cellOf(peaks.x()[k], peaks.y()[k]) + 1]++;
      }
      for (int c = 0; c < columns * rows; c++) {
        start[c + 1] += start[c];
      }
      x = new float[chosen.length];
      y = new float[chosen.length];
      used = new boolean[chosen.length];
      int[] next = start.clone();
      for (int k : chosen) {
        int at = next[cellOf(peaks.x()[k], peaks.y()[k])]++;
        x[at] = peaks.x()[k];
        y[at] = peaks.y()[k];
      }
      density = chosen.length / (double) width / height;
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
      for (double reach : REACH) {
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
      double piece = PIECE * fwhm;
      double diagonal = Math.hypot(width, height);
      int pieces = (int) Math.ceil(2 * diagonal / piece);
      double[] light = new double[pieces];
      boolean[] bright = new boolean[pieces];
      boolean[] known = new boolean[pieces];
      for (int p = 0; p < pieces; p++) {
        double from = -diagonal + p * piece;
        double[] measured = measure(line, from, from + piece);
        known[p] = measured[2] > 0.3 * piece;
        light[p] = measured[0];
        bright[p] = known[p] && measured[0] > BRIGHT * measured[1];
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
      markUsed(whole);
      draw(whole, halfWidth(whole));
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
     * Median light on a stretch of the line above that beside it, its error, and the number of
     * places that could be used.
     */
    private double[] measure(Line line, double from, double to) {
      int places = (int) (to - from) + 1;
      double[] excess = new double[places];
      int n = 0;
      double variance = 0;
      double side = 3.5 * fwhm;
      for (int k = 0; k < places; k++) {
        double t = from + k;
        double px = line.x() + t * line.cos();
        double py = line.y() + t * line.sin();
        int on = usable(px, py);
        int left = usable(px - side * line.sin(), py + side * line.cos());
        int right = usable(px + side * line.sin(), py - side * line.cos());
        if (on >= 0 && left >= 0 && right >= 0) {
          excess[n++] = image[on] - 0.5 * (image[left] + image[right]);
          variance += 1.5 * base[on];
        }
      }
      if (n == 0) {
        return new double[] {0, 1, 0};
      }
      Arrays.sort(excess, 0, n);
      // A median's error is 1.25 times a mean's.
      return new double[] {excess[n / 2], 1.25 * Math.sqrt(variance) / n, n};
    }

    /** The pixel at a place, or -1 where there is none that may be used. */
    private int usable(double px, double py) {
      int column = (int) Math.floor(px + 0.5);
      int row = (int) Math.floor(py + 0.5);
      if (column < 0 || row < 0 || column >= width || row >= height) {
        return -1;
      }
      int i = row * width + column;
      return base[i] > 0 ? i : -1;
    }

    /** How far from the line its median profile sinks to a fifth of the sky's noise. */
    private double halfWidth(Line line) {
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
                usable(
                    line.x() + t * line.cos() - sign * d * line.sin(),
                    line.y() + t * line.sin() + sign * d * line.cos());
            if (i >= 0 && n < values.length) {
              values[n++] = image[i];
              sum += base[i];
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
