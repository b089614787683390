package org.starmill.calibrate;

/** Finds order statistics by partial sorting (Hoare 1961), in time linear in the count. */
final class Selection {
  private Selection() {}

  /** The median; reorders the values. An even count gives the mean of the two in the middle. */
  static float median(float[] values, int count) {
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
