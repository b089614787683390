package org.starmill.measure;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfStamps;
import org.starmill.psf.PsfTable;

/**
 * The twin of {@link StarNormalKernel} for the Vector API: the pixels of a row are the lanes, and
 * the PSF comes from the same table. One for each thread and run.
 */
final class StarNormalVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = PsfStamps.LANES;

  private final StarNormalKernel k;
  private final StarStamp stamp;
  private final PsfTable.Local psf;

  /** A neighbour's columns, and for each of their vectors its place in the star's and last lane. */
  private final float[] otherValue;

  private final float[] otherSlopeX;
  private final float[] otherSlopeY;
  private final int[] place;
  private final float[] lastLane;

  StarNormalVectors(StarNormalKernel kernel) {
    k = kernel;
    stamp = new StarStamp(kernel.table(), kernel.width, kernel.height);
    psf = stamp.psf;
    int places = stamp.value.length;
    otherValue = new float[places];
    otherSlopeX = new float[places];
    otherSlopeY = new float[places];
    place = new int[places / LANES];
    lastLane = new float[places / LANES];
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
      own(star);
      for (int n = k.firstOf[star]; n < k.firstOf[star + 1]; n++) {
        couple(star, k.neighbour[n], n * StarNormalKernel.CROSS);
      }
    }
  }

  private void own(int star) {
    FloatVector xx = FloatVector.zero(FLOATS);
    FloatVector xy = FloatVector.zero(FLOATS);
    FloatVector yy = FloatVector.zero(FLOATS);
    FloatVector xf = FloatVector.zero(FLOATS);
    FloatVector yf = FloatVector.zero(FLOATS);
    FloatVector ff = FloatVector.zero(FLOATS);
    FloatVector gx = FloatVector.zero(FLOATS);
    FloatVector gy = FloatVector.zero(FLOATS);
    FloatVector gf = FloatVector.zero(FLOATS);
    FloatVector chi = FloatVector.zero(FLOATS);
    FloatVector count = FloatVector.zero(FLOATS);
    FloatVector none = FloatVector.zero(FLOATS);
    for (int v = 0; v < stamp.vectors; v++) {
      int at = v * LANES;
      FloatVector w = FloatVector.fromArray(FLOATS, stamp.weight, at);
      FloatVector value0 = FloatVector.fromArray(FLOATS, stamp.rest, at);
      FloatVector p = FloatVector.fromArray(FLOATS, stamp.value, at);
      FloatVector jx = FloatVector.fromArray(FLOATS, stamp.slopeX, at);
      FloatVector jy = FloatVector.fromArray(FLOATS, stamp.slopeY, at);
      FloatVector wp = w.mul(p);
      FloatVector wx = w.mul(jx);
      FloatVector wy = w.mul(jy);
      xx = wx.fma(jx, xx);
      xy = wx.fma(jy, xy);
      yy = wy.fma(jy, yy);
      xf = wx.fma(p, xf);
      yf = wy.fma(p, yf);
      ff = wp.fma(p, ff);
      gx = wx.fma(value0, gx);
      gy = wy.fma(value0, gy);
      gf = wp.fma(value0, gf);
      chi = w.mul(value0).fma(value0, chi);
      count = count.add(none.blend(1f, w.compare(VectorOperators.GT, 0f)));
      // The neighbours' blocks take the weighted columns.
      wp.intoArray(stamp.value, at);
      wx.intoArray(stamp.slopeX, at);
      wy.intoArray(stamp.slopeY, at);
    }
    float[] own = k.own;
    int o = star * StarNormalKernel.OWN;
    own[o] = xx.reduceLanes(VectorOperators.ADD);
    own[o + 1] = xy.reduceLanes(VectorOperators.ADD);
    own[o + 2] = yy.reduceLanes(VectorOperators.ADD);
    own[o + 3] = xf.reduceLanes(VectorOperators.ADD);
    own[o + 4] = yf.reduceLanes(VectorOperators.ADD);
    own[o + 5] = ff.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.GRADIENT] = gx.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.GRADIENT + 1] = gy.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.GRADIENT + 2] = gf.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.CHI2] = chi.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.PIXELS] = count.reduceLanes(VectorOperators.ADD);
    own[o + StarNormalKernel.SKY] = 0f;
    if (k.fitSky == 1) {
      eliminateSky(o);
    }
  }

  private void eliminateSky(int o) {
    FloatVector xs = FloatVector.zero(FLOATS);
    FloatVector ys = FloatVector.zero(FLOATS);
    FloatVector fs = FloatVector.zero(FLOATS);
    FloatVector ss = FloatVector.zero(FLOATS);
    FloatVector gs = FloatVector.zero(FLOATS);
    for (int v = 0; v < stamp.vectors; v++) {
      int at = v * LANES;
      FloatVector w = FloatVector.fromArray(FLOATS, stamp.weight, at);
      ss = ss.add(w);
      gs = gs.add(w.mul(FloatVector.fromArray(FLOATS, stamp.rest, at)));
      fs = fs.add(FloatVector.fromArray(FLOATS, stamp.value, at));
      xs = xs.add(FloatVector.fromArray(FLOATS, stamp.slopeX, at));
      ys = ys.add(FloatVector.fromArray(FLOATS, stamp.slopeY, at));
    }
    float x = xs.reduceLanes(VectorOperators.ADD);
    float y = ys.reduceLanes(VectorOperators.ADD);
    float f = fs.reduceLanes(VectorOperators.ADD);
    float s = ss.reduceLanes(VectorOperators.ADD);
    float g = gs.reduceLanes(VectorOperators.ADD);
    if (s > 0f) {
      float[] own = k.own;
      float sky = g / s;
      own[o] -= x * x / s;
      own[o + 1] -= x * y / s;
      own[o + 2] -= y * y / s;
      own[o + 3] -= x * f / s;
      own[o + 4] -= y * f / s;
      own[o + 5] -= f * f / s;
      own[o + StarNormalKernel.GRADIENT] -= x * sky;
      own[o + StarNormalKernel.GRADIENT + 1] -= y * sky;
      own[o + StarNormalKernel.GRADIENT + 2] -= f * sky;
      own[o + StarNormalKernel.CHI2] -= g * sky;
      own[o + StarNormalKernel.SKY] = sky;
    }
  }

  /** The block of a neighbour: its columns on the star's pixels, over the part both stamps have. */
  private void couple(int star, int other, int c) {
    int r = k.radius[star];
    int dx = k.centreX[other] - k.centreX[star];
    int dy = k.centreY[other] - k.centreY[star];
    int reach = k.radius[other];
    int left = Math.max(-r, dx - reach);
    int right = Math.min(r, dx + reach);
    int top = Math.max(-r, dy - reach);
    int bottom = Math.min(r, dy + reach);
    psf.neighbour(k.offsetX[other], k.offsetY[other], k.form, other * PsfKernel.FORM);
    int vectors = 0;
    for (int row = top; row <= bottom; row++) {
      for (int column = left; column <= right; column += LANES) {
        int at = vectors * LANES;
        psf.slopes(column - dx, row - dy, otherValue, otherSlopeX, otherSlopeY, at);
        place[vectors] = (row + r) * stamp.stride + column + r;
        lastLane[vectors] = right - column;
        vectors++;
      }
    }
    couple(vectors, c);
  }

  private void couple(int vectors, int c) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector xx = zero;
    FloatVector xy = zero;
    FloatVector xf = zero;
    FloatVector yx = zero;
    FloatVector yy = zero;
    FloatVector yf = zero;
    FloatVector fx = zero;
    FloatVector fy = zero;
    FloatVector ff = zero;
    for (int v = 0; v < vectors; v++) {
      // The last vector may reach beyond the stamp: what stands there is of no meaning.
      VectorMask<Float> inside = PsfStamps.LANE_NUMBERS.compare(VectorOperators.LE, lastLane[v]);
      int at = place[v];
      int from = v * LANES;
      FloatVector kp = zero.blend(FloatVector.fromArray(FLOATS, otherValue, from), inside);
      FloatVector kx = zero.blend(FloatVector.fromArray(FLOATS, otherSlopeX, from), inside);
      FloatVector ky = zero.blend(FloatVector.fromArray(FLOATS, otherSlopeY, from), inside);
      FloatVector wp = FloatVector.fromArray(FLOATS, stamp.value, at);
      FloatVector wx = FloatVector.fromArray(FLOATS, stamp.slopeX, at);
      FloatVector wy = FloatVector.fromArray(FLOATS, stamp.slopeY, at);
      xx = wx.fma(kx, xx);
      xy = wx.fma(ky, xy);
      xf = wx.fma(kp, xf);
      yx = wy.fma(kx, yx);
      yy = wy.fma(ky, yy);
      yf = wy.fma(kp, yf);
      fx = wp.fma(kx, fx);
      fy = wp.fma(ky, fy);
      ff = wp.fma(kp, ff);
    }
    float[] cross = k.cross;
    cross[c] = xx.reduceLanes(VectorOperators.ADD);
    cross[c + 1] = xy.reduceLanes(VectorOperators.ADD);
    cross[c + 2] = xf.reduceLanes(VectorOperators.ADD);
    cross[c + 3] = yx.reduceLanes(VectorOperators.ADD);
    cross[c + 4] = yy.reduceLanes(VectorOperators.ADD);
    cross[c + 5] = yf.reduceLanes(VectorOperators.ADD);
    cross[c + 6] = fx.reduceLanes(VectorOperators.ADD);
    cross[c + 7] = fy.reduceLanes(VectorOperators.ADD);
    cross[c + 8] = ff.reduceLanes(VectorOperators.ADD);
  }
}
