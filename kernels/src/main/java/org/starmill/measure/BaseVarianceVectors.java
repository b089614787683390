package org.starmill.measure;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The work of {@link BaseVarianceKernel} by the Vector API, equal to it bit by bit. */
final class BaseVarianceVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  private static final int LANES = FLOATS.length();

  private BaseVarianceVectors() {}

  static void measure(BaseVarianceKernel kernel, int from, int to) {
    int end = to - (to - from) % LANES;
    if (kernel.flatFielded == 1) {
      flatFielded(kernel, from, end);
    } else {
      withoutFlat(kernel, from, end);
    }
    kernel.pixels(end, to);
  }

  private static void flatFielded(BaseVarianceKernel kernel, int from, int end) {
    float[] response = kernel.response;
    short[] mask = kernel.mask;
    float[] base = kernel.base;
    float[] image = kernel.image;
    // Times 1 the sky is taken off, times 0 it is not: exact either way.
    float subtracting = kernel.subtracting;
    FloatVector one = FloatVector.broadcast(FLOATS, 1);
    for (int i = from; i < end; i += LANES) {
      FloatVector level = FloatVector.fromArray(FLOATS, base, i);
      FloatVector gain = one.div(FloatVector.fromArray(FLOATS, response, i).max(0.05f));
      IntVector use = usable(mask, i, kernel.unusable);
      FloatVector variance =
          gain.mul(level.max(0).add(gain.mul(kernel.readVariance))).max(kernel.least);
      store(variance, use, base, i);
      store(FloatVector.fromArray(FLOATS, image, i).sub(level.mul(subtracting)), use, image, i);
    }
  }

  private static void withoutFlat(BaseVarianceKernel kernel, int from, int end) {
    short[] mask = kernel.mask;
    float[] base = kernel.base;
    float[] image = kernel.image;
    float subtracting = kernel.subtracting;
    for (int i = from; i < end; i += LANES) {
      FloatVector level = FloatVector.fromArray(FLOATS, base, i);
      IntVector use = usable(mask, i, kernel.unusable);
      store(level.max(0).add(kernel.readVariance).max(kernel.least), use, base, i);
      store(FloatVector.fromArray(FLOATS, image, i).sub(level.mul(subtracting)), use, image, i);
    }
  }

  /** All ones where a pixel may be used, else 0: less than 0 is a positive number less one not. */
  private static IntVector usable(short[] mask, int i, int unusable) {
    IntVector bits =
        (IntVector)
            ShortVector.fromArray(SHORTS, mask, i).convertShape(VectorOperators.S2I, INTS, 0);
    return bits.and(unusable).sub(1).lanewise(VectorOperators.ASHR, 31);
  }

  private static void store(FloatVector value, IntVector use, float[] into, int i) {
    value.reinterpretAsInts().and(use).reinterpretAsFloats().intoArray(into, i);
  }
}
