package org.starmill.calibrate;

/** Finds order statistics by partial sorting (Hoare 1961), in time linear in the count. */
final class Selection {
  private Selection() {}

  /** Of more values than this the median is looked for between bounds that a sample gives. */
  private static final int MANY = 4096;

  private static final int SAMPLE = 1024;

  /** Ranks of the sample to either side: six standard deviations of that of the median. */
  private static final int MARGIN = 96;

  /** The median; reorders the values. An even count gives the mean of the two in the middle. */
  static float median(float[] values, int count) {
    if (count <= MANY) {
      return wholeMedian(values, count);
    }
    float[] sample = new float[SAMPLE];
    int step = count / SAMPLE;
    for (int i = 0; i < SAMPLE; i++) {
      sample[i] = values[i * step];
    }
    float low = select(sample, SAMPLE, SAMPLE / 2 - MARGIN);
    float high = select(sample, SAMPLE, SAMPLE / 2 + MARGIN);
    int below = 0;
    int between = 0;
    for (int i = 0; i < count; i++) {
      float value = values[i];
      values[i] = values[between];
      values[between] = value;
      // The signs of differences, for no branch could be foreseen.
      int under = Float.floatToRawIntBits(value - low) >>> 31;
      int over = Float.floatToRawIntBits(high - value) >>> 31;
      below += under;
      between += 1 - (under | over);
    }
    int upper = count / 2 - below;
    int lower = (count - 1) / 2 - below;
    if (lower < 0 || upper >= between) {
      return wholeMedian(values, count);
    }
    float above = select(values, between, upper);
    if (lower == upper) {
      return above;
    }
    return 0.5f * (select(values, between, lower) + above);
  }

  private static float wholeMedian(float[] values, int count) {
    float upper = select(values, count, count / 2);
    if (count % 2 == 1) {
      return upper;
    }
    float lower = values[0];
    for (int i = 1; i < count / 2; i++) {
      lower = Math.max(lower, values[i]);
    }
    return 0.5f * (lower + upper);
  }

  /**
   * The value that has {@code rank} others before it in sorted order; reorders the values so that
   * no greater one stands before it.
   *
   * @param values without NaN
   */
  static float select(float[] values, int count, int rank) {
    if (rank < 0 || rank >= count) {
      throw new IllegalArgumentException("rank %d of %d values".formatted(rank, count));
    }
    int from = 0;
    int to = count - 1;
    while (from < to) {
      float pivot = middle(values[from], values[(from + to) >>> 1], values[to]);
      int i = from;
      int j = to;
      while (i <= j) {
        while (values[i] < pivot) {
          i++;
        }
        while (values[j] > pivot) {
          j--;
        }
        if (i <= j) {
          float swap = values[i];
          values[i] = values[j];
          values[j] = swap;
          i++;
          j--;
        }
      }
      if (rank <= j) {
        to = j;
      } else if (rank >= i) {
        from = i;
      } else {
        return values[rank];
      }
    }
    return values[rank];
  }

  private static float middle(float a, float b, float c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }
}
