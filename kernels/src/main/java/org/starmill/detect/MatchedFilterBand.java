package org.starmill.detect;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Filters a block of rows and finds its peaks in one sweep: the twin of {@link WeightKernel},
 * {@link MatchedFilterKernel} and {@link PeakKernel} for the Vector API.
 *
 * <p>Holds as many weighted rows as the PSF has, and three of the result. Four vectors of pixels
 * keep their two sums in registers over all pixels of the PSF; only where one of them has a value
 * above the threshold are peaks looked for.
 */
final class MatchedFilterBand {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int GROUP = 4 * LANES;

  private final MatchedFilterKernel filter;
  private final int width;
  private final int side;

  /** Length of a row with margins in which nothing weighs. */
  private final int stride;

  private final float[] weighted;
  private final float[] weight;

  /** Where the row being filtered finds what each pixel of the PSF meets. */
  private final int[] offset;

  /** Three rows of results, of {@code line} values each, the first pixel at place 1. */
  private final int line;

  private final float[] significance;
  private final float[] information;

  /**
   * For each of the three rows, whether a group of four vectors has a value above the threshold.
   */
  private final byte[] above;

  private final int groups;

  MatchedFilterBand(MatchedFilterKernel filter) {
    this.filter = filter;
    width = filter.width;
    side = 2 * filter.radius + 1;
    groups = (width + GROUP - 1) / GROUP;
    stride = groups * GROUP + 2 * filter.radius;
    weighted = new float[side * stride];
    weight = new float[side * stride];
    offset = new int[side * side];
    line = groups * GROUP + 2;
    significance = new float[3 * line];
    information = new float[3 * line];
    above = new byte[3 * groups];
  }

  /** The peaks of the rows from {@code from} to {@code to} - 1. */
  PeakList find(int from, int to) {
    PeakList peaks = new PeakList();
    int radius = filter.radius;
    for (int y = from - 1 - radius; y < from - 1 + radius; y++) {
      weigh(y);
    }
    for (int y = from - 1; y <= to; y++) {
      weigh(y + radius);
      correlate(y);
      if (y >= from && y < to) {
        filter.sample.row(
            y + filter.top,
            width,
            significance,
            slot(y, 3) * line + 1,
            filter.base,
            filter.model,
            filter.photon);
      }
      if (y > from) {
        peaksOf(y - 1, peaks);
      }
    }
    return peaks;
  }

  private static int slot(int y, int rows) {
    return Math.floorMod(y, rows);
  }

  private void weigh(int y) {
    int at = slot(y, side) * stride;
    if (y < 0 || y >= filter.height) {
      Arrays.fill(weighted, at, at + stride, 0f);
      Arrays.fill(weight, at, at + stride, 0f);
      return;
    }
    weigh(
        filter.image,
        filter.base,
        filter.model,
        filter.photon,
        (y + filter.top) * width,
        width,
        weighted,
        weight,
        at + filter.radius);
  }

  private static void weigh(
      float[] image,
      float[] base,
      float[] model,
      float photon,
      int from,
      int width,
      float[] weighted,
      float[] weight,
      int to) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    FloatVector photons = FloatVector.broadcast(SPECIES, photon);
    int x = 0;
    for (; x <= width - LANES; x += LANES) {
      FloatVector variance = FloatVector.fromArray(SPECIES, base, from + x);
      VectorMask<Float> used = variance.compare(VectorOperators.GT, 0f);
      FloatVector light = FloatVector.fromArray(SPECIES, model, from + x);
      FloatVector w = zero.blend(one.div(light.max(zero).fma(photons, variance)), used);
      FloatVector left = FloatVector.fromArray(SPECIES, image, from + x).sub(light);
      FloatVector d = zero.blend(left, used);
      w.intoArray(weight, to + x);
      d.mul(w).intoArray(weighted, to + x);
    }
    for (; x < width; x++) {
      float variance = base[from + x];
      boolean used = variance > 0f;
      float w = used ? 1f / (variance + photon * Math.max(model[from + x], 0f)) : 0f;
      weight[to + x] = w;
      weighted[to + x] = used ? w * (image[from + x] - model[from + x]) : 0f;
    }
  }

  private void correlate(int y) {
    int slot = slot(y, 3);
    int at = slot * line + 1;
    if (y < 0 || y >= filter.height) {
      Arrays.fill(significance, at, at + width, 0f);
      return;
    }
    for (int tap = 0; tap < offset.length; tap++) {
      offset[tap] = slot(y - filter.radius + tap / side, side) * stride + tap % side;
    }
    for (int group = 0; group < groups; group++) {
      above[slot * groups + group] =
          correlate(
              weighted,
              weight,
              offset,
              filter.psf,
              filter.psfSquared,
              group * GROUP,
              significance,
              information,
              at + group * GROUP,
              filter.threshold);
    }
    // Beyond the last pixel there is none that could be higher.
    Arrays.fill(significance, at + width, (slot + 1) * line, 0f);
  }

  /** Four vectors of pixels; 1 where one of their values exceeds the threshold. */
  private static byte correlate(
      float[] weighted,
      float[] weight,
      int[] offset,
      float[] psf,
      float[] psfSquared,
      int column,
      float[] significance,
      float[] information,
      int out,
      float threshold) {
    FloatVector n0 = FloatVector.zero(SPECIES);
    FloatVector n1 = FloatVector.zero(SPECIES);
    FloatVector n2 = FloatVector.zero(SPECIES);
    FloatVector n3 = FloatVector.zero(SPECIES);
    FloatVector i0 = FloatVector.zero(SPECIES);
    FloatVector i1 = FloatVector.zero(SPECIES);
    FloatVector i2 = FloatVector.zero(SPECIES);
    FloatVector i3 = FloatVector.zero(SPECIES);
    // One loop, not two: of a loop within a loop the JVM keeps the sums on the heap.
    for (int tap = 0; tap < psf.length; tap++) {
      int a = offset[tap] + column;
      FloatVector p = FloatVector.broadcast(SPECIES, psf[tap]);
      FloatVector p2 = FloatVector.broadcast(SPECIES, psfSquared[tap]);
      n0 = FloatVector.fromArray(SPECIES, weighted, a).fma(p, n0);
      n1 = FloatVector.fromArray(SPECIES, weighted, a + LANES).fma(p, n1);
      n2 = FloatVector.fromArray(SPECIES, weighted, a + 2 * LANES).fma(p, n2);
      n3 = FloatVector.fromArray(SPECIES, weighted, a + 3 * LANES).fma(p, n3);
      i0 = FloatVector.fromArray(SPECIES, weight, a).fma(p2, i0);
      i1 = FloatVector.fromArray(SPECIES, weight, a + LANES).fma(p2, i1);
      i2 = FloatVector.fromArray(SPECIES, weight, a + 2 * LANES).fma(p2, i2);
      i3 = FloatVector.fromArray(SPECIES, weight, a + 3 * LANES).fma(p2, i3);
    }
    i0.intoArray(information, out);
    i1.intoArray(information, out + LANES);
    i2.intoArray(information, out + 2 * LANES);
    i3.intoArray(information, out + 3 * LANES);
    FloatVector s0 = ratio(n0, i0);
    FloatVector s1 = ratio(n1, i1);
    FloatVector s2 = ratio(n2, i2);
    FloatVector s3 = ratio(n3, i3);
    s0.intoArray(significance, out);
    s1.intoArray(significance, out + LANES);
    s2.intoArray(significance, out + 2 * LANES);
    s3.intoArray(significance, out + 3 * LANES);
    boolean any = s0.max(s1).max(s2.max(s3)).compare(VectorOperators.GT, threshold).anyTrue();
    return any ? (byte) 1 : (byte) 0;
  }

  private static FloatVector ratio(FloatVector numerator, FloatVector information) {
    FloatVector zero = FloatVector.zero(SPECIES);
    return zero.blend(
        numerator.div(information.sqrt()), information.compare(VectorOperators.GT, 0f));
  }

  private void peaksOf(int y, PeakList peaks) {
    int slot = slot(y, 3);
    int down = slot(y - 1, 3) * line + 1;
    int at = slot * line + 1;
    int up = slot(y + 1, 3) * line + 1;
    float[] s = significance;
    for (int group = 0; group < groups; group++) {
      if (above[slot * groups + group] == 0) {
        continue;
      }
      int end = Math.min(width, (group + 1) * GROUP);
      for (int x = group * GROUP; x < end; x++) {
        float value = s[at + x];
        // Of equal neighbours the first one in the order of rows is the peak.
        if (value > filter.threshold
            && value > s[at + x - 1]
            && value >= s[at + x + 1]
            && value > s[down + x - 1]
            && value > s[down + x]
            && value > s[down + x + 1]
            && value >= s[up + x - 1]
            && value >= s[up + x]
            && value >= s[up + x + 1]) {
          boolean insideX = x > 0 && x < width - 1;
          boolean insideY = y > 0 && y < filter.height - 1;
          peaks.add(
              x,
              y + filter.top,
              insideX ? PeakList.vertex(s[at + x - 1], value, s[at + x + 1]) : 0f,
              insideY ? PeakList.vertex(s[down + x], value, s[up + x]) : 0f,
              value,
              information[at + x]);
        }
      }
    }
  }
}
