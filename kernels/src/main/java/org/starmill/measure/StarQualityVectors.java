package org.starmill.measure;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfStamps;

/**
 * The twin of {@link StarQualityKernel} for the Vector API: the pixels of a row are the lanes, and
 * the PSF comes from the same table. One for each thread and run.
 */
final class StarQualityVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = PsfStamps.LANES;

  private final StarQualityKernel k;
  private final StarStamp stamp;

  StarQualityVectors(StarQualityKernel kernel) {
    k = kernel;
    stamp = new StarStamp(kernel.table(), kernel.width, kernel.height);
  }

  void sum(int from, int to) {
    for (int item = from; item < to; item++) {
      int star = k.chosen[item];
      int cx = k.centreX[star];
      int cy = k.centreY[star];
      int r = k.radius[star];
      stamp.place(cx, cy, r, k.image, k.model, k.base);
      stamp.weigh(k.photon[star], k.modelVariance);
      stamp.evaluate(cx, cy, r, k.offsetX[star], k.offsetY[star], k.form, star * PsfKernel.FORM);
      light(star);
      shape(star);
    }
  }

  private static VectorMask<Float> within(float last) {
    return PsfStamps.LANE_NUMBERS.compare(VectorOperators.LE, last);
  }

  private void light(int star) {
    float flux = k.flux[star];
    int core = k.coreHalfSide;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector chi = zero;
    FloatVector pixels = zero;
    FloatVector good = zero;
    FloatVector all = zero;
    FloatVector own = zero;
    FloatVector other = zero;
    for (int v = 0; v < stamp.vectors; v++) {
      int i = stamp.pixel[v];
      int at = v * LANES;
      VectorMask<Float> inside = within(stamp.lastLane[v]);
      FloatVector w = FloatVector.fromArray(FLOATS, stamp.weight, at);
      VectorMask<Float> used = w.compare(VectorOperators.GT, 0f);
      FloatVector p = zero.blend(FloatVector.fromArray(FLOATS, stamp.value, at), inside);
      FloatVector q = zero.blend(p, used);
      all = all.add(p);
      good = good.add(q);
      FloatVector light = p.mul(flux);
      own = own.add(q.mul(light));
      other = other.add(q.mul(FloatVector.fromArray(FLOATS, stamp.model, i).sub(light).max(0f)));
      // A row beyond the core counts nothing.
      float half = Math.abs(stamp.row[v]) <= core ? core : -1f;
      FloatVector columns = PsfStamps.LANE_NUMBERS.add((float) stamp.column[v]).abs();
      VectorMask<Float> counted = used.and(columns.compare(VectorOperators.LE, half));
      FloatVector value = FloatVector.fromArray(FLOATS, stamp.rest, at);
      chi = chi.add(zero.blend(w.mul(value).mul(value), counted));
      pixels = pixels.add(zero.blend(1f, counted));
    }
    float[] numbers = k.numbers;
    int o = star * StarQualityKernel.NUMBERS;
    numbers[o + StarQualityKernel.CHI2] = chi.reduceLanes(VectorOperators.ADD);
    numbers[o + StarQualityKernel.PIXELS] = pixels.reduceLanes(VectorOperators.ADD);
    numbers[o + StarQualityKernel.GOOD] = good.reduceLanes(VectorOperators.ADD);
    numbers[o + StarQualityKernel.ALL] = all.reduceLanes(VectorOperators.ADD);
    numbers[o + StarQualityKernel.OWN_LIGHT] = own.reduceLanes(VectorOperators.ADD);
    numbers[o + StarQualityKernel.OTHER_LIGHT] = other.reduceLanes(VectorOperators.ADD);
  }

  private void shape(int star) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector pp = zero;
    FloatVector r0 = zero;
    FloatVector p0 = zero;
    FloatVector n0 = zero;
    FloatVector r1 = zero;
    FloatVector p1 = zero;
    FloatVector n1 = zero;
    FloatVector r2 = zero;
    FloatVector p2 = zero;
    FloatVector n2 = zero;
    for (int v = 0; v < stamp.vectors; v++) {
      int at = v * LANES;
      float dy = stamp.row[v] - k.offsetY[star];
      FloatVector w = FloatVector.fromArray(FLOATS, stamp.weight, at);
      FloatVector dx = PsfStamps.LANE_NUMBERS.add(stamp.column[v] - k.offsetX[star]);
      FloatVector p = FloatVector.fromArray(FLOATS, stamp.value, at);
      FloatVector sx = FloatVector.fromArray(FLOATS, stamp.slopeX, at).neg();
      FloatVector sy = FloatVector.fromArray(FLOATS, stamp.slopeY, at).neg();
      FloatVector along = dx.mul(sx);
      FloatVector across = sy.mul(dy);
      FloatVector d0 = along.add(across).add(p).add(p);
      FloatVector d1 = along.sub(across);
      FloatVector d2 = dx.mul(sy).add(sx.mul(dy));
      FloatVector wr = w.mul(FloatVector.fromArray(FLOATS, stamp.rest, at));
      FloatVector wp = w.mul(p);
      pp = wp.fma(p, pp);
      r0 = wr.fma(d0, r0);
      p0 = wp.fma(d0, p0);
      n0 = w.mul(d0).fma(d0, n0);
      r1 = wr.fma(d1, r1);
      p1 = wp.fma(d1, p1);
      n1 = w.mul(d1).fma(d1, n1);
      r2 = wr.fma(d2, r2);
      p2 = wp.fma(d2, p2);
      n2 = w.mul(d2).fma(d2, n2);
    }
    float sum = pp.reduceLanes(VectorOperators.ADD);
    float share = sum > 0f ? 1f / sum : 0f;
    float[] numbers = k.numbers;
    int o = star * StarQualityKernel.NUMBERS;
    store(numbers, o + StarQualityKernel.SIZE, r0, n0, p0, share);
    store(numbers, o + StarQualityKernel.LONG, r1, n1, p1, share);
    store(numbers, o + StarQualityKernel.DIAGONAL, r2, n2, p2, share);
  }

  private static void store(
      float[] numbers, int o, FloatVector r, FloatVector n, FloatVector p, float share) {
    float onP = p.reduceLanes(VectorOperators.ADD);
    numbers[o] = -r.reduceLanes(VectorOperators.ADD);
    numbers[o + 1] = n.reduceLanes(VectorOperators.ADD) - onP * onP * share;
  }
}
