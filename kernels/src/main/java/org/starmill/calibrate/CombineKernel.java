package org.starmill.calibrate;

import org.starmill.device.ItemKernel;

/**
 * Combines frames into one, an item a block of pixels, by a sigma-clipped mean.
 *
 * <p>A pixel whose values all lie within the clip of their mean is done at once: nearly all are.
 * The others are sorted; the first clip is about their median, with the larger of the expected
 * noise and of the pixel's own scatter (half the shortest interval that holds half of the values,
 * Rousseeuw and Leroy 1988), so that one bad value of three is found and a noisy pixel keeps its
 * values; later clips are about the mean of what was kept.
 */
final class CombineKernel extends ItemKernel {
  /** What is smaller than this is a value; {@link TrimmedFrame#MISSING} and NaN are not. */
  static final float PRESENT = TrimmedFrame.BEYOND_ALL_CAMERAS;

  /** Pixels that are done side by side. */
  static final int LANES = 16;

  // Weight of the expected variance, in degrees of freedom, against a pixel's own.
  static final float PRIOR = 4f;

  /** A Gaussian's standard deviation, of the length of the shortest interval with half of it. */
  static final float SHORTEST_HALF = 0.7413f;

  // States of a pixel.
  private static final float BEYOND = 1f;
  private static final float LACKING = 2f;

  /** The values of a strip of the frames, one frame after the other. */
  float[] stack;

  /**
   * The frames themselves, which the twin for the Vector API reads in place of the stack: an item
   * of it is a row.
   */
  TrimmedFrame[] inPlace;

  int frames;
  int pixels;
  int block;

  /** 1 where an OpenCL compiler makes vectors of loops: {@link #LANES} pixels are done at once. */
  int sideBySide;

  float clip;
  int iterations;
  float noise;
  int photons;

  /** Where columns are sorted side by side: {@link #LANES} times the frames an item. */
  @Scratch float[] columns = new float[1];

  @Output float[] level;
  @Output float[] error;
  @Output short[] used;

  @Override
  protected void vectorItems(int from, int to) {
    if (inPlace == null) {
      super.vectorItems(from, to);
    } else {
      new CombineVectors(this).combine(from, to);
    }
  }

  @Override
  public void item(int item) {
    float[] column = new float[MasterSettings.MOST_FRAMES];
    float[] state = new float[LANES];
    int[] chosen = new int[LANES];
    int waiting = 0;
    int p = item * block;
    int to = min(p + block, pixels);
    while (sideBySide == 1 && p + LANES <= to) {
      plain(p, state);
      for (int lane = 0; lane < LANES; lane++) {
        if (state[lane] == LACKING) {
          combine(p + lane, column);
        }
        if (state[lane] == BEYOND) {
          chosen[waiting] = p + lane;
          waiting++;
          if (waiting == LANES) {
            clipped(item, chosen);
            waiting = 0;
          }
        }
      }
      p += LANES;
    }
    if (waiting > 0) {
      for (int lane = waiting; lane < LANES; lane++) {
        chosen[lane] = chosen[0];
      }
      clipped(item, chosen);
    }
    while (p < to) {
      combine(p, column);
      p++;
    }
  }

  /** Combines one pixel. */
  private void combine(int p, float[] column_$private$) {
    int count = 0;
    float shift = 0f;
    float sum = 0f;
    float squares = 0f;
    float lowest = 0f;
    float highest = 0f;
    for (int k = 0; k < frames; k++) {
      float v = stack[k * pixels + p];
      if (abs(v) < PRESENT) {
        if (count == 0) {
          shift = v;
        }
        float d = v - shift;
        count++;
        sum += d;
        squares += d * d;
        lowest = min(lowest, d);
        highest = max(highest, d);
      }
    }
    float mean = 0f;
    if (count > 0) {
      mean = sum / count;
    }
    squares = squares - sum * mean;
    float expected = noise;
    if (photons == 1) {
      expected = noise * sqrt(max(shift + mean, 0.01f));
    }
    float reach = clip * expected;
    if (highest - mean > reach || mean - lowest > reach) {
      count = 0;
      for (int k = 0; k < frames; k++) {
        float v = stack[k * pixels + p];
        if (abs(v) < PRESENT) {
          column_$private$[count] = v - shift;
          count++;
        }
      }
      for (int i = 1; i < count; i++) {
        float value = column_$private$[i];
        int j = i - 1;
        while (j >= 0 && column_$private$[max(j, 0)] > value) {
          column_$private$[j + 1] = column_$private$[j];
          j--;
        }
        column_$private$[j + 1] = value;
      }
      int most = count / 2 + 1;
      float shortest = column_$private$[count - 1] - column_$private$[0];
      for (int i = 0; i + most <= count; i++) {
        shortest = min(shortest, column_$private$[i + most - 1] - column_$private$[i]);
      }
      float centre = 0.5f * (column_$private$[(count - 1) / 2] + column_$private$[count / 2]);
      if (photons == 1) {
        expected = noise * sqrt(max(shift + centre, 0.01f));
      }
      reach = clip * max(expected, shortest * SHORTEST_HALF);
      int kept = 0;
      for (int pass = 0; pass < iterations; pass++) {
        kept = 0;
        sum = 0f;
        squares = 0f;
        for (int i = 0; i < count; i++) {
          float d = column_$private$[i] - centre;
          if (abs(d) <= reach) {
            kept++;
            sum += d;
            squares += d * d;
          }
        }
        if (kept > 0) {
          mean = sum / kept;
          squares = squares - sum * mean;
          centre = centre + mean;
        }
      }
      count = kept;
      mean = centre;
    }
    used[p] = (short) count;
    level[p] = shift + mean;
    float deviation = 0f;
    if (count > 0) {
      deviation =
          sqrt((PRIOR * expected * expected + max(squares, 0f)) / ((PRIOR + count - 1) * count));
    }
    error[p] = deviation;
  }

  /**
   * Combines neighbouring pixels as if all their values lay within the clip.
   *
   * @param state_$private$ out: 0 where that is so, {@link #BEYOND} or {@link #LACKING} a value
   */
  private void plain(int p, float[] state_$private$) {
    float[] shift = new float[LANES];
    float[] present = new float[LANES];
    float[] sum = new float[LANES];
    float[] squares = new float[LANES];
    float[] lowest = new float[LANES];
    float[] highest = new float[LANES];
    float[] deviation = new float[LANES];
    float[] state = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      shift[lane] = stack[p + lane];
      present[lane] = 0f;
      sum[lane] = 0f;
      squares[lane] = 0f;
      lowest[lane] = 0f;
      highest[lane] = 0f;
    }
    for (int k = 0; k < frames; k++) {
      int at = k * pixels + p;
      for (int lane = 0; lane < LANES; lane++) {
        float v = stack[at + lane];
        float d = v - shift[lane];
        float one = 0f;
        if (abs(v) < PRESENT) {
          one = 1f;
        }
        present[lane] += one;
        sum[lane] += d;
        squares[lane] += d * d;
        lowest[lane] = min(lowest[lane], d);
        highest[lane] = max(highest[lane], d);
      }
    }
    float n = frames;
    float freedom = (PRIOR + n - 1f) * n;
    for (int lane = 0; lane < LANES; lane++) {
      float mean = sum[lane] / n;
      float scatter = max(squares[lane] - sum[lane] * mean, 0f);
      float expected = noise;
      float ofPhotons = noise * sqrt(max(shift[lane] + mean, 0.01f));
      if (photons == 1) {
        expected = ofPhotons;
      }
      float reach = clip * expected;
      float found = 0f;
      if (highest[lane] - mean > reach || mean - lowest[lane] > reach) {
        found = BEYOND;
      }
      if (present[lane] < n) {
        found = LACKING;
      }
      state[lane] = found;
      shift[lane] = shift[lane] + mean;
      deviation[lane] = sqrt((PRIOR * expected * expected + scatter) / freedom);
    }
    for (int lane = 0; lane < LANES; lane++) {
      state_$private$[lane] = state[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      level[p + lane] = shift[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      error[p + lane] = deviation[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      used[p + lane] = (short) frames;
    }
  }

  /** Combines pixels that lack no value by the clipped mean, wherever they are. */
  private void clipped(int item, int[] chosen_$private$) {
    float[] shift = new float[LANES];
    float[] centre = new float[LANES];
    float[] reach = new float[LANES];
    float[] expected = new float[LANES];
    float[] kept = new float[LANES];
    float[] sum = new float[LANES];
    float[] squares = new float[LANES];
    int start = item * frames * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      shift[lane] = stack[chosen_$private$[lane]];
    }
    for (int k = 0; k < frames; k++) {
      for (int lane = 0; lane < LANES; lane++) {
        columns[start + k * LANES + lane] =
            stack[k * pixels + chosen_$private$[lane]] - shift[lane];
      }
    }
    sort(start);
    int most = frames / 2 + 1;
    int across = (most - 1) * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      reach[lane] = columns[start + across + lane] - columns[start + lane];
      kept[lane] = 0f;
      squares[lane] = 0f;
    }
    for (int k = 1; k + most <= frames; k++) {
      int at = start + k * LANES;
      for (int lane = 0; lane < LANES; lane++) {
        reach[lane] = min(reach[lane], columns[at + across + lane] - columns[at + lane]);
      }
    }
    int lower = start + (frames - 1) / 2 * LANES;
    int upper = start + frames / 2 * LANES;
    for (int lane = 0; lane < LANES; lane++) {
      float median = 0.5f * (columns[lower + lane] + columns[upper + lane]);
      float usual = noise;
      float ofPhotons = noise * sqrt(max(shift[lane] + median, 0.01f));
      if (photons == 1) {
        usual = ofPhotons;
      }
      centre[lane] = median;
      expected[lane] = usual;
      reach[lane] = clip * max(usual, reach[lane] * SHORTEST_HALF);
    }
    for (int pass = 0; pass < iterations; pass++) {
      for (int lane = 0; lane < LANES; lane++) {
        kept[lane] = 0f;
        sum[lane] = 0f;
        squares[lane] = 0f;
      }
      for (int k = 0; k < frames; k++) {
        int at = start + k * LANES;
        for (int lane = 0; lane < LANES; lane++) {
          float d = columns[at + lane] - centre[lane];
          float part = 0f;
          float one = 0f;
          if (abs(d) <= reach[lane]) {
            part = d;
            one = 1f;
          }
          kept[lane] += one;
          sum[lane] += part;
          squares[lane] += part * part;
        }
      }
      for (int lane = 0; lane < LANES; lane++) {
        float mean = sum[lane] / max(kept[lane], 1f);
        squares[lane] = squares[lane] - sum[lane] * mean;
        centre[lane] = centre[lane] + mean;
      }
    }
    for (int lane = 0; lane < LANES; lane++) {
      int p = chosen_$private$[lane];
      float count = kept[lane];
      float deviation = 0f;
      if (count > 0f) {
        deviation =
            sqrt(
                (PRIOR * expected[lane] * expected[lane] + max(squares[lane], 0f))
                    / ((PRIOR + count - 1f) * count));
      }
      used[p] = (short) count;
      level[p] = shift[lane] + centre[lane];
      error[p] = deviation;
    }
  }

  /** Sorts columns that stand side by side by Batcher's network, as {@link ColumnSort} does. */
  private void sort(int start) {
    float[] low = new float[LANES];
    float[] high = new float[LANES];
    int bits = 1;
    for (int run = 1; run < frames; run *= 2) {
      for (int apart = run; apart >= 1; apart /= 2) {
        for (int from = apart & (run - 1); from + apart < frames; from += 2 * apart) {
          int end = min(from + apart, frames - apart);
          for (int i = from; i < end; i++) {
            if ((i >> bits) == ((i + apart) >> bits)) {
              int a = start + i * LANES;
              int b = a + apart * LANES;
              for (int lane = 0; lane < LANES; lane++) {
                low[lane] = columns[a + lane];
              }
              for (int lane = 0; lane < LANES; lane++) {
                high[lane] = columns[b + lane];
              }
              for (int lane = 0; lane < LANES; lane++) {
                columns[a + lane] = min(low[lane], high[lane]);
              }
              for (int lane = 0; lane < LANES; lane++) {
                columns[b + lane] = max(low[lane], high[lane]);
              }
            }
          }
        }
      }
      bits++;
    }
  }
}
