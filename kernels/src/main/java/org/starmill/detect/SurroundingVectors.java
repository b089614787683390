package org.starmill.detect;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The twin of {@link SurroundingKernel} for the Vector API: the rows of the ring and of the PSF,
 * filled up to whole vectors.
 *
 * <p>Gathers a ring once, in which each look at its pixels is then one after the other. Places
 * whose rows would leave the image go the scalar way. Sums agree with the scalar source to
 * rounding, counts exactly.
 */
final class SurroundingVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /** Below any level that is asked for. */
  private static final float LOWEST = Float.NEGATIVE_INFINITY;

  private final SurroundingKernel kernel;

  /** Where the vectors of the square about the ring start, and 1 for their pixels in the ring. */
  private final int[] ringStart;

  private final float[] inRing;

  /** The same of the square of the PSF, and the PSF there; 0 right of it. */
  private final int[] psfStart;

  private final float[] psf;

  /** The ring's usable pixels, {@link #LOWEST} in the others' places. */
  private final float[] values;

  private final float[] sums = new float[4];

  SurroundingVectors(SurroundingKernel kernel) {
    this.kernel = kernel;
    int reach = kernel.reach;
    ringStart = starts(reach, kernel.width);
    inRing = new float[ringStart.length * LANES];
    values = new float[ringStart.length * LANES];
    int stride = ringStart.length / (2 * reach + 1) * LANES;
    for (int k = 0; k < kernel.ring; k++) {
      inRing[(kernel.ringY[k] + reach) * stride + kernel.ringX[k] + reach] = 1f;
    }
    int radius = kernel.radius;
    int side = 2 * radius + 1;
    psfStart = starts(radius, kernel.width);
    psf = new float[psfStart.length * LANES];
    int psfStride = psfStart.length / side * LANES;
    for (int i = 0; i < side * side; i++) {
      psf[i / side * psfStride + i % side] = kernel.psf[i];
    }
  }

  /** The first pixel of each vector of a square, from the pixel in its middle. */
  private static int[] starts(int reach, int width) {
    int side = 2 * reach + 1;
    int vectors = (side + LANES - 1) / LANES;
    int[] starts = new int[side * vectors];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = (i / vectors - reach) * width - reach + i % vectors * LANES;
    }
    return starts;
  }

  void items(int from, int to) {
    int reach = Math.max(kernel.reach, kernel.radius);
    // The last vector of a row reaches further right, into the next row.
    int last = kernel.width * kernel.height - reach * (kernel.width - 1) - 2 * reach - 1 - LANES;
    for (int place = from; place < to; place++) {
      int x = (int) (kernel.x[place] + 0.5f);
      int y = (int) (kernel.y[place] + 0.5f);
      int centre = y * kernel.width + x;
      if (x < reach
          || y < reach
          || x >= kernel.width - reach
          || y >= kernel.height - reach
          || centre > last) {
        kernel.item(place);
      } else {
        look(place, centre);
      }
    }
  }

  private void look(int place, int centre) {
    filter(centre);
    float data = sums[0];
    float flat = sums[1];
    float information = sums[2];
    float seen = sums[3];
    float scale = information > 0 ? 1 / (float) Math.sqrt(information) : 0;
    kernel.significance[place] = seen > kernel.leastSeen ? data * scale : Float.NaN;
    float light = 0;
    if (flat > 0) {
      int usable = gather(centre);
      if (usable >= SurroundingKernel.LEAST_PIXELS) {
        light = light(usable, data / flat, seen / flat);
      }
    }
    kernel.added[place] = light * flat * scale;
  }

  private void filter(int centre) {
    float[] image = kernel.image;
    float[] base = kernel.base;
    float[] model = kernel.model;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector data = zero;
    FloatVector flat = zero;
    FloatVector information = zero;
    FloatVector seen = zero;
    for (int v = 0; v < psfStart.length; v++) {
      int i = centre + psfStart[v];
      FloatVector b = FloatVector.fromArray(FLOATS, base, i);
      VectorMask<Float> used = b.compare(VectorOperators.GT, 0f);
      FloatVector p = zero.blend(FloatVector.fromArray(FLOATS, psf, v * LANES), used);
      FloatVector weighted = zero.blend(p.div(b), used);
      FloatVector left =
          FloatVector.fromArray(FLOATS, image, i).sub(FloatVector.fromArray(FLOATS, model, i));
      data = weighted.fma(left, data);
      flat = flat.add(weighted);
      information = weighted.fma(p, information);
      seen = seen.add(p);
    }
    sums[0] = data.reduceLanes(VectorOperators.ADD);
    sums[1] = flat.reduceLanes(VectorOperators.ADD);
    sums[2] = information.reduceLanes(VectorOperators.ADD);
    sums[3] = seen.reduceLanes(VectorOperators.ADD);
  }

  /** Copies the ring's pixels; the number of those that are usable. */
  private int gather(int centre) {
    float[] image = kernel.image;
    float[] base = kernel.base;
    float[] model = kernel.model;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector lowest = FloatVector.broadcast(FLOATS, LOWEST);
    FloatVector count = zero;
    for (int v = 0; v < ringStart.length; v++) {
      int i = centre + ringStart[v];
      FloatVector one =
          zero.blend(
              FloatVector.fromArray(FLOATS, inRing, v * LANES),
              FloatVector.fromArray(FLOATS, base, i).compare(VectorOperators.GT, 0f));
      count = count.add(one);
      FloatVector left =
          FloatVector.fromArray(FLOATS, image, i).sub(FloatVector.fromArray(FLOATS, model, i));
      lowest.blend(left, one.compare(VectorOperators.GT, 0f)).intoArray(values, v * LANES);
    }
    return (int) count.reduceLanes(VectorOperators.ADD);
  }

  private int brighter(float level) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector count = zero;
    for (int i = 0; i < values.length; i += LANES) {
      VectorMask<Float> above =
          FloatVector.fromArray(FLOATS, values, i).compare(VectorOperators.GT, level);
      count = count.add(zero.blend(1f, above));
    }
    return (int) count.reduceLanes(VectorOperators.ADD);
  }

  /** As {@link SurroundingKernel} has it. */
  private float light(int n, float hides, float variance) {
    float dark = SurroundingKernel.NOTHING * 1.25f * (float) Math.sqrt(variance / n);
    if (2 * brighter(dark) <= n) {
      return 0;
    }
    float low = dark;
    float high = dark + Math.max(hides, 2 * dark);
    if (kernel.bounded == 0) {
      for (int k = 0; k < SurroundingKernel.DOUBLINGS && 2 * brighter(high) > n; k++) {
        low = high;
        high = 2 * high;
      }
    }
    for (int k = 0; k < kernel.halvings; k++) {
      float middle = 0.5f * (low + high);
      if (2 * brighter(middle) > n) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return 0.5f * (low + high) - dark;
  }
}
