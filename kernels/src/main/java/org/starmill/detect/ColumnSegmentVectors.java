package org.starmill.detect;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The work of {@link ColumnSegmentKernel} by the Vector API, equal to it bit by bit: a lane is a
 * column.
 */
final class ColumnSegmentVectors {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int REACH = ColumnSegmentKernel.REACH;

  private ColumnSegmentVectors() {}

  static void measure(ColumnSegmentKernel kernel, int segment) {
    int width = kernel.width;
    Arrays.fill(kernel.sum, segment * width, (segment + 1) * width, 0f);
    Arrays.fill(kernel.used, segment * width, (segment + 1) * width, 0f);
    int vectors = Math.max(0, (width - 2 * REACH) / LANES);
    int to = REACH + vectors * LANES;
    for (int y = kernel.firstRow(segment); y < kernel.firstRow(segment + 1); y++) {
      kernel.pixels(segment, y, 0, Math.min(REACH, width));
      row(kernel, y * width, segment * width, REACH, to);
      kernel.pixels(segment, y, Math.min(to, width), width);
    }
  }

  private static void row(ColumnSegmentKernel kernel, int row, int target, int from, int to) {
    float[] image = kernel.image;
    float[] base = kernel.base;
    float[] sum = kernel.sum;
    float[] used = kernel.used;
    float limit = kernel.limit;
    for (int x = from; x < to; x += LANES) {
      int i = row + x;
      FloatVector own = FloatVector.fromArray(SPECIES, base, i);
      FloatVector left = FloatVector.fromArray(SPECIES, base, i - 3);
      FloatVector right = FloatVector.fromArray(SPECIES, base, i + 3);
      FloatVector centre = FloatVector.fromArray(SPECIES, image, i);
      FloatVector a = FloatVector.fromArray(SPECIES, image, i - 3);
      FloatVector b = FloatVector.fromArray(SPECIES, image, i - 2);
      FloatVector c = FloatVector.fromArray(SPECIES, image, i + 2);
      FloatVector d = FloatVector.fromArray(SPECIES, image, i + 3);
      // These three reach over all neighbours of all lanes.
      boolean good = own.min(left).min(right).compare(VectorOperators.GT, 0f).allTrue();
      if (!good) {
        FloatVector nearLeft = FloatVector.fromArray(SPECIES, base, i - 2);
        FloatVector nearRight = FloatVector.fromArray(SPECIES, base, i + 2);
        a = centre.blend(a, left.compare(VectorOperators.GT, 0f));
        b = centre.blend(b, nearLeft.compare(VectorOperators.GT, 0f));
        c = centre.blend(c, nearRight.compare(VectorOperators.GT, 0f));
        d = centre.blend(d, right.compare(VectorOperators.GT, 0f));
      }
      FloatVector lower = a.min(b).max(c.min(d));
      FloatVector upper = a.max(b).min(c.max(d));
      FloatVector difference = centre.sub(lower.add(upper).mul(0.5f)).min(limit).max(-limit);
      FloatVector before = FloatVector.fromArray(SPECIES, sum, target + x);
      FloatVector count = FloatVector.fromArray(SPECIES, used, target + x);
      if (good) {
        before.add(difference).intoArray(sum, target + x);
        count.add(1f).intoArray(used, target + x);
      } else {
        VectorMask<Float> usable = own.compare(VectorOperators.GT, 0f);
        before.add(difference, usable).intoArray(sum, target + x);
        count.add(1f, usable).intoArray(used, target + x);
      }
    }
  }
}
