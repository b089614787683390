package org.starmill.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SelectionTest {
  @Test
  void theMedianOfManyValuesIsThatOfSortedValuesWhateverTheirOrder() {
    SplittableRandom random = new SplittableRandom(1);
    for (int count : new int[] {1, 2, 4096, 4097, 20_001, 20_002, 150_000}) {
      for (int kind = 0; kind < 5; kind++) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] =
              switch (kind) {
                case 0 -> (float) random.nextGaussian(1000, 2);
                case 1 -> random.nextInt(1000, 1004);
                case 2 -> i;
                // What is taken for the sample says nothing of the others.
                case 3 -> i % Math.max(1, count / 1024) == 0 ? 5000 : random.nextInt(1000);
                default -> -1;
              };
        }
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        assertThat(Selection.median(values, count))
            .as("%d values of kind %d", count, kind)
            .isEqualTo(0.5f * (sorted[(count - 1) / 2] + sorted[count / 2]));
        Arrays.sort(values);
        assertThat(values).isEqualTo(sorted);
      }
    }
  }
}
