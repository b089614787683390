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

  /** Pixels that are summed side by side: rows are as many whole times this long. */
  static final int LANES = 16;

  /** Stands for a pixel without use; no value is beyond the other. */
  static final float NONE = 3e38f;

  static final float LARGEST = 1e38f;

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

  /** Places of a box with its margin, as {@link #slot(int, int, int)} counts them. */
  int slot;

  /** The boxes with their margins; {@link #NONE} stands for what must not be used. */
  @Scratch float[] wide;

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

  /** Places that a box takes: its rows with the margin are whole lanes, and reads run beyond. */
  static int slot(int columns, int rows, int margin) {
    return (columns + 2 * margin + LANES - 1) / LANES * LANES * (rows + 2 * margin) + LANES;
  }

  @Override
  public void item(int item) {
    float[] found = new float[3];
    int box = first + item;
    int row = box / columns;
    int column = box - row * columns;
    int x0 = columnStart[column];
    int y0 = rowStart[row];
    int across = columnStart[column + 1] - x0;
    int down = rowStart[row + 1] - y0;
    int margin = smoothing + reach;
    int stride = (across + 2 * margin + LANES - 1) / LANES * LANES;
    int start = item * slot;
    int inner = start + margin * stride + margin;
    int area = across * down;
    copy(start, stride, x0 - margin, y0 - margin, down + 2 * margin);

    int count = 0;
    float centre = firstOf(inner, stride, across, down);
    float sigma = 0f;
    float within = LARGEST;
    int pass = 0;
    int more = 1;
    while (more == 1) {
      sumWithin(inner, stride, across, down, centre, within, found);
      float before = sigma;
      if (found[0] > 0f) {
        float shift = found[1] / found[0];
        centre = centre + shift;
        sigma = sqrt(max(found[2] / found[0] - shift * shift, 0f));
      }
      if (pass == 0) {
        count = (int) found[0];
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
        sums(start, stride, down + 2 * margin, centre);
        extremes(start, stride, across, down);
        int side = 2 * smoothing + 1;
        float guess = centre;
        float deviations = OUTLYING;
        int round = 0;
        while (round < ROUNDS) {
          float limit = deviations * side * sigma;
          float offset = (centre - guess) * side * side;
          sumWithout(
              start,
              inner,
              stride,
              across,
              down,
              centre,
              3f * sigma,
              offset + limit,
              offset - limit,
              found);
          round++;
          if (found[0] > 0f && found[0] >= LEAST_KEPT * area) {
            float shift = found[1] / found[0];
            float deviation = sqrt(max(found[2] / found[0] - shift * shift, 0f));
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
   * Copies what the stars leave of a box with its margin; what is unusable, or not of the image,
   * becomes none.
   */
  private void copy(int start, int stride, int left, int top, int rows) {
    int before = min(stride, max(0, -left));
    int count = max(0, min(stride, width - left) - before);
    for (int v = 0; v < rows; v++) {
      int to = start + v * stride;
      int y = top + v;
      for (int u = 0; u < stride; u++) {
        wide[to + u] = NONE;
      }
      if (y >= 0 && y < height) {
        to += before;
        int from = y * width + left + before;
        for (int i = 0; i < count; i++) {
          float value = image[from + i];
          if ((mask[from + i] & PixelFlag.UNUSABLE) != 0) {
            value = NONE;
          }
          wide[to + i] = value;
        }
        if (useModel == 1) {
          for (int i = 0; i < count; i++) {
            float drawn = model[from + i];
            float rest = wide[to + i] - drawn;
            float value = NONE;
            if (drawn <= modelLimit) {
              value = rest;
            }
            wide[to + i] = value;
          }
        }
      }
    }
  }

  private float firstOf(int inner, int stride, int across, int down) {
    float value = 0f;
    int more = 1;
    for (int y = 0; y < down && more == 1; y++) {
      for (int x = 0; x < across && more == 1; x++) {
        float pixel = wide[inner + y * stride + x];
        if (abs(pixel) <= LARGEST) {
          value = pixel;
          more = 0;
        }
      }
    }
    return value;
  }

  /**
   * Sums what lies within a distance of a centre.
   *
   * @param found_$private$ out: how many pixels, the sum of their distances, that of the squares
   */
  private void sumWithin(
      int inner,
      int stride,
      int across,
      int down,
      float centre,
      float within,
      float[] found_$private$) {
    float[] value = new float[LANES];
    float[] kept = new float[LANES];
    float[] sum = new float[LANES];
    float[] squares = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      kept[lane] = 0f;
      sum[lane] = 0f;
      squares[lane] = 0f;
    }
    int first = inner;
    for (int lanes = across; lanes > 0; lanes -= LANES) {
      int from = first;
      for (int y = 0; y < down; y++) {
        // Read without a condition: else a compiler reads one by one what the condition lets pass.
        for (int lane = 0; lane < LANES; lane++) {
          value[lane] = wide[from + lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          float d = value[lane] - centre;
          float part = 0f;
          float one = 0f;
          if (lane < lanes && abs(d) <= within) {
            part = d;
            one = 1f;
          }
          kept[lane] += one;
          sum[lane] += part;
          squares[lane] += part * part;
        }
        from += stride;
      }
      first += LANES;
    }
    found_$private$[0] = 0f;
    found_$private$[1] = 0f;
    found_$private$[2] = 0f;
    for (int lane = 0; lane < LANES; lane++) {
      found_$private$[0] += kept[lane];
      found_$private$[1] += sum[lane];
      found_$private$[2] += squares[lane];
    }
  }

  /** The same without what lies within reach of an outlying sum. */
  private void sumWithout(
      int start,
      int inner,
      int stride,
      int across,
      int down,
      float centre,
      float within,
      float most,
      float fewest,
      float[] found_$private$) {
    float[] value = new float[LANES];
    float[] high = new float[LANES];
    float[] low = new float[LANES];
    float[] kept = new float[LANES];
    float[] sum = new float[LANES];
    float[] squares = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      kept[lane] = 0f;
      sum[lane] = 0f;
      squares[lane] = 0f;
    }
    int first = inner;
    int nearest = start;
    for (int lanes = across; lanes > 0; lanes -= LANES) {
      int from = first;
      int near = nearest;
      for (int y = 0; y < down; y++) {
        for (int lane = 0; lane < LANES; lane++) {
          value[lane] = wide[from + lane];
          high[lane] = highest[near + lane];
          low[lane] = lowest[near + lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          float d = value[lane] - centre;
          float part = 0f;
          float one = 0f;
          if (lane < lanes && abs(d) <= within && high[lane] <= most && low[lane] >= fewest) {
            part = d;
            one = 1f;
          }
          kept[lane] += one;
          sum[lane] += part;
          squares[lane] += part * part;
        }
        from += stride;
        near += (y & 1) * stride;
      }
      first += LANES;
      nearest += LANES;
    }
    found_$private$[0] = 0f;
    found_$private$[1] = 0f;
    found_$private$[2] = 0f;
    for (int lane = 0; lane < LANES; lane++) {
      found_$private$[0] += kept[lane];
      found_$private$[1] += sum[lane];
      found_$private$[2] += squares[lane];
    }
  }

  /**
   * Sums over the square that begins at each pixel of a box with its margin, less those of a sky of
   * the guessed level, into {@link #lowest}: of every other row alone.
   */
  private void sums(int start, int stride, int rows, float guess) {
    float[] sum = new float[LANES];
    int side = 2 * smoothing + 1;
    int sumRows = (rows - 2 * smoothing + 1) / 2;
    for (int v = 0; v < sumRows; v++) {
      int row = start + v * stride;
      int first = row + v * stride;
      int to = row;
      for (int left = stride; left > 0; left -= LANES) {
        for (int lane = 0; lane < LANES; lane++) {
          sum[lane] = 0f;
        }
        int from = first;
        for (int k = 0; k < side; k++) {
          for (int lane = 0; lane < LANES; lane++) {
            float d = wide[from + lane] - guess;
            float part = 0f;
            if (abs(d) <= LARGEST) {
              part = d;
            }
            sum[lane] += part;
          }
          from += stride;
        }
        for (int lane = 0; lane < LANES; lane++) {
          between[to + lane] = sum[lane];
        }
        first += LANES;
        to += LANES;
      }
      to = row;
      for (int left = stride; left > 0; left -= LANES) {
        for (int lane = 0; lane < LANES; lane++) {
          sum[lane] = 0f;
        }
        for (int k = 0; k < side; k++) {
          for (int lane = 0; lane < LANES; lane++) {
            sum[lane] += between[to + k + lane];
          }
        }
        for (int lane = 0; lane < LANES; lane++) {
          lowest[to + lane] = sum[lane];
        }
        to += LANES;
      }
    }
  }

  /**
   * The highest and the lowest sum within reach of every pixel of a box, a row for two of the box.
   * All is kept at the place of the first pixel that went into it.
   */
  private void extremes(int start, int stride, int across, int down) {
    float[] most = new float[LANES];
    float[] least = new float[LANES];
    int window = 2 * reach + 1;
    for (int v = 0; v < (down + 1) / 2 + reach; v++) {
      for (int u = 0; u < across; u += LANES) {
        int at = start + v * stride + u;
        for (int lane = 0; lane < LANES; lane++) {
          most[lane] = lowest[at + lane];
          least[lane] = lowest[at + lane];
        }
        for (int k = 1; k < window; k++) {
          for (int lane = 0; lane < LANES; lane++) {
            float sum = lowest[at + k + lane];
            most[lane] = max(most[lane], sum);
            least[lane] = min(least[lane], sum);
          }
        }
        for (int lane = 0; lane < LANES; lane++) {
          highest[at + lane] = most[lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          between[at + lane] = least[lane];
        }
      }
    }
    for (int v = 0; v < (down + 1) / 2; v++) {
      for (int u = 0; u < across; u += LANES) {
        int at = start + v * stride + u;
        for (int lane = 0; lane < LANES; lane++) {
          most[lane] = highest[at + lane];
          least[lane] = between[at + lane];
        }
        for (int k = 1; k <= reach; k++) {
          int from = at + k * stride;
          for (int lane = 0; lane < LANES; lane++) {
            most[lane] = max(most[lane], highest[from + lane]);
            least[lane] = min(least[lane], between[from + lane]);
          }
        }
        for (int lane = 0; lane < LANES; lane++) {
          highest[at + lane] = most[lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          lowest[at + lane] = least[lane];
        }
      }
    }
  }
}
