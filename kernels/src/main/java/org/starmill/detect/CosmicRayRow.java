package org.starmill.detect;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The first round of {@link CosmicRayKernel} for one row with the Vector API: vectors without any
 * pixel whose Laplacian might be significant are passed over.
 */
final class CosmicRayRow {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private CosmicRayRow() {}

  static void mark(CosmicRayKernel kernel, int y) {
    int width = kernel.width;
    int words = kernel.words;
    Arrays.fill(kernel.found, y * words, (y + 1) * words, 0);
    if (y == 0 || y == kernel.height - 1 || width < LANES + 2) {
      look(kernel, y, 0, width);
      return;
    }
    look(kernel, y, 0, 1);
    float bound = kernel.steepness * kernel.steepness;
    int x = 1;
    for (; x <= width - 1 - LANES; x += LANES) {
      if (anySteep(kernel.image, kernel.base, kernel.model, y * width + x, bound)) {
        look(kernel, y, x, x + LANES);
      }
    }
    look(kernel, y, x, width);
  }

  private static void look(CosmicRayKernel kernel, int y, int from, int to) {
    for (int x = from; x < to; x++) {
      if (kernel.steep(x, y) != 0 && kernel.unlikeStars(x, y) != 0) {
        kernel.found[y * kernel.words + (x >> 5)] |= 1 << (x & 31);
      }
    }
  }

  /** Whether a pixel of a vector that may be used is that bright over the empty sky alone. */
  private static boolean anySteep(float[] image, float[] base, float[] model, int i, float bound) {
    FloatVector variance = FloatVector.fromArray(SPECIES, base, i);
    FloatVector value =
        FloatVector.fromArray(SPECIES, image, i).sub(FloatVector.fromArray(SPECIES, model, i));
    VectorMask<Float> bright =
        value
            .mul(value)
            .compare(VectorOperators.GT, variance.mul(bound))
            .and(value.compare(VectorOperators.GT, 0f))
            .and(variance.compare(VectorOperators.GT, 0f));
    return bright.anyTrue();
  }
}
