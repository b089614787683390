package org.starmill.sky;

import org.starmill.device.ItemKernel;
import org.starmill.image.PixelFlag;

/**
 * Measures level and noise of the sky, an item a box of the mesh.
 *
 * <p>A first guess is the mean of the pixels within two standard deviations of it, found by
 * iteration. Then stars too faint for that clip are looked for: the box is summed over a square of
 * about 1.4 FWHM, and whatever lies within {@link #reach} pixels of a sum off by more than {@link
 * #OUTLYING} of its own standard deviations, up or down, is left out. Noise, being symmetric, loses
 * as much above as below; stars lie above alone. The mean of the pixels left, within three standard
 * deviations, is the level, and with it the search is judged anew until the level stands still.
 */
final class BoxKernel extends ItemKernel {
  /** A Gaussian clipped at two of its own standard deviations keeps this share of them. */
  static final float CLIPPED_AT_TWO = 0.87963f;

  /**
   * The same for three, with the neighbourhoods of outlying sums left out as well: found by
   * simulation, to 0.3 % for a FWHM of 2 to 4 pixels, 0.7 % for 6.
   */
  static final float CLIPPED_AT_THREE = 0.9776f;

  /** Standard deviations from which on a sum is outlying. */
  static final float OUTLYING = 2.75f;

  static final int MOST_PASSES = 20;
  static final int ROUNDS = 5;

  /** Changes of the deviation and of the level, in deviations, from which on they stand still. */
  static final float SAME_NOISE = 0.03f;

  static final float SAME_LEVEL = 0.002f;

  /** Least share of a box that must be left for its mean to count; else the limit is widened. */
  static final float LEAST_KEPT = 0.05f;

  static final float WIDER = 1.5f;

  float[] image;
  short[] mask;
  float[] model;
  int useModel;
  float modelLimit;
  int width;
  int height;
  int columns;
  int[] columnStart;
  int[] rowStart;
  float goodShare;
  int first;

  /** Pixels on each side of one that are summed with it. */
  int smoothing;

  /** Pixels around an outlying sum that are left out. */
  int reach;

  /** Pixels of a box with its margin, at most. */
  int slot;

  @Scratch float[] highest;
  @Scratch float[] lowest;
  @Scratch float[] between;
  float[] level;
  float[] noise;
  int[] good;

  @Override
  protected void vectorItems(int from, int to) {
    BoxVectors.measure(this, from, to);
  }

  private int usable(int p) {
    int result = 0;
    if ((mask[p] & PixelFlag.UNUSABLE) == 0 && (useModel == 0 || model[p] <= modelLimit)) {
      result = 1;
    }
    return result;
  }

  /** What the stars leave of a pixel. */
  private float value(int p) {
    float value = image[p];
    if (useModel == 1) {
      value = value - model[p];
    }
    return value;
  }

  @Override
  public void item(int item) {
    int box = first + item;
    int row = box / columns;
    int column = box - row * columns;
    int x0 = columnStart[column];
    int x1 = columnStart[column + 1];
    int y0 = rowStart[row];
    int y1 = rowStart[row + 1];
    int area = (x1 - x0) * (y1 - y0);

    int count = 0;
    float centre = 0f;
    float sigma = 0f;
    float within = 3e38f;
    int pass = 0;
    int more = 1;
    while (more == 1) {
      int kept = 0;
      float sum = 0f;
      float squares = 0f;
      for (int y = y0; y < y1; y++) {
        float rowSum = 0f;
        float rowSquares = 0f;
        for (int x = x0; x < x1; x++) {
          int p = y * width + x;
          if (usable(p) == 1) {
            if (pass == 0 && count == 0) {
              centre = value(p);
              count = 1;
            }
            float d = value(p) - centre;
            if (abs(d) <= within) {
              rowSum += d;
              rowSquares += d * d;
              kept++;
            }
          }
        }
        sum += rowSum;
        squares += rowSquares;
      }
      float before = sigma;
      if (kept > 0) {
        float shift = sum / kept;
        centre = centre + shift;
        sigma = sqrt(max(squares / kept - shift * shift, 0f));
      }
      if (pass == 0) {
        count = kept;
        before = 2f * sigma;
      } else {
        sigma = sigma / CLIPPED_AT_TWO;
      }
      within = 2f * sigma;
      pass++;
      more = 0;
      if (pass < MOST_PASSES && abs(sigma - before) > SAME_NOISE * sigma) {
        more = 1;
      }
    }
    good[box] = 0;
    if (count > 0 && count >= goodShare * area) {
      good[box] = count;
      if (sigma > 0f) {
        outliers(item * slot, x0, x1, y0, y1, centre);
        int across = x1 - x0 + 2 * (smoothing + reach);
        int side = 2 * smoothing + 1;
        float guess = centre;
        float deviations = OUTLYING;
        int round = 0;
        while (round < ROUNDS) {
          float limit = deviations * side * sigma;
          float offset = (centre - guess) * side * side;
          int kept = 0;
          float sum = 0f;
          float squares = 0f;
          for (int y = y0; y < y1; y++) {
            float rowSum = 0f;
            float rowSquares = 0f;
            int from = item * slot + (y - y0) / 2 * across - x0;
            for (int x = x0; x < x1; x++) {
              int p = y * width + x;
              float d = value(p) - centre;
              if (usable(p) == 1
                  && abs(d) <= 3f * sigma
                  && highest[from + x] - offset <= limit
                  && lowest[from + x] - offset >= -limit) {
                rowSum += d;
                rowSquares += d * d;
                kept++;
              }
            }
            sum += rowSum;
            squares += rowSquares;
          }
          round++;
          if (kept > 0 && kept >= LEAST_KEPT * area) {
            float shift = sum / kept;
            float deviation = sqrt(max(squares / kept - shift * shift, 0f));
            centre = centre + shift;
            if (abs(shift) <= SAME_LEVEL * sigma) {
              round = ROUNDS;
            }
            sigma = deviation / CLIPPED_AT_THREE;
          } else {
            deviations = WIDER * deviations;
          }
        }
      }
    }
    level[box] = centre;
    noise[box] = sigma;
  }

  /**
   * The highest and the lowest sum within reach of every pixel of a box, less that of a sky of the
   * guessed level: a row for two rows of the box, and sums about every other row alone.
   */
  private void outliers(int start, int x0, int x1, int y0, int y1, float guess) {
    int margin = smoothing + reach;
    int across = x1 - x0 + 2 * margin;
    int up = y1 - y0 + 2 * margin;
    int side = 2 * smoothing + 1;
    int window = 2 * reach + 1;
    int sumRows = (up - 2 * smoothing + 1) / 2;
    for (int v = 0; v < up; v++) {
      int y = y0 - margin + v;
      for (int u = 0; u < across; u++) {
        int x = x0 - margin + u;
        float d = 0f;
        if (x >= 0 && x < width && y >= 0 && y < height) {
          int p = y * width + x;
          if (usable(p) == 1) {
            d = value(p) - guess;
          }
        }
        highest[start + v * across + u] = d;
      }
    }
    // From here on all is kept at the place of the first pixel that went into it.
    for (int v = 0; v < sumRows; v++) {
      int to = start + v * across;
      int from = start + 2 * v * across;
      for (int u = 0; u < across; u++) {
        float sum = 0f;
        for (int k = 0; k < side; k++) {
          sum += highest[from + k * across + u];
        }
        between[to + u] = sum;
      }
      for (int u = 0; u < across - 2 * smoothing; u++) {
        float sum = 0f;
        for (int k = 0; k < side; k++) {
          sum += between[to + u + k];
        }
        lowest[to + u] = sum;
      }
    }
    for (int v = 0; v < sumRows; v++) {
      for (int u = 0; u < x1 - x0; u++) {
        int i = start + v * across + u;
        float most = lowest[i];
        float least = most;
        for (int k = 1; k < window; k++) {
          most = max(most, lowest[i + k]);
          least = min(least, lowest[i + k]);
        }
        highest[i] = most;
        between[i] = least;
      }
    }
    for (int v = 0; v < (y1 - y0 + 1) / 2; v++) {
      for (int u = 0; u < x1 - x0; u++) {
        int i = start + v * across + u;
        float most = highest[i];
        float least = between[i];
        for (int k = 1; k <= reach; k++) {
          most = max(most, highest[i + k * across]);
          least = min(least, between[i + k * across]);
        }
        highest[i] = most;
        lowest[i] = least;
      }
    }
  }
}
