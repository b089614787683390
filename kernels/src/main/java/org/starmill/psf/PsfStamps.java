package org.starmill.psf;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Evaluates the PSF of a star and its slopes on a whole stamp with the Vector API: the twin of
 * {@link PsfKernel#pixel} and {@link PsfKernel#pixelAndSlopes}.
 *
 * <p>The pixels of a row are the lanes. All lanes of a row that meets the core are integrated with
 * the core's quadrature and those outside of it replaced by the Taylor expansion. Agrees with the
 * scalar source to 3e-6 of the value, and of the largest slope. One for each thread: it holds the
 * stamps.
 */
public final class PsfStamps {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** Pixels that are evaluated at once. */
  public static final int LANES = FLOATS.length();

  private static final float ROUNDING = 12582912f;
  private static final int ROUNDING_BITS = 0x4b400000;

  /** 0, 1, 2, ... */
  public static final FloatVector LANE_NUMBERS = laneNumbers();

  private final int gaussian;
  private final int coreRadius;
  private final int coreOrder;
  private final float[] node;
  private final float[] nodeWeight;

  /**
   * The PSF: row by row, {@link #stride} places each; what lies beyond 2 radius is of no meaning.
   */
  public float[] value = new float[0];

  /** Its derivative by the star's x, and by its y. */
  public float[] slopeX = new float[0];

  public float[] slopeY = new float[0];

  /** Its derivatives by A, B, C and beta of the form. */
  float[] byA = new float[0];

  float[] byB = new float[0];
  float[] byC = new float[0];
  float[] byBeta = new float[0];

  /** Makes stamps for PSFs of the kind and width that a kernel is configured for. */
  public PsfStamps(PsfKernel kernel) {
    gaussian = kernel.gaussian;
    coreRadius = kernel.coreRadius;
    coreOrder = kernel.coreOrder;
    node = kernel.node;
    nodeWeight = kernel.nodeWeight;
  }

  /** Places from one row of a stamp to the next: the side, rounded up to whole vectors. */
  public static int stride(int radius) {
    return (2 * radius + LANES) / LANES * LANES;
  }

  private static FloatVector laneNumbers() {
    float[] numbers = new float[LANES];
    for (int i = 0; i < LANES; i++) {
      numbers[i] = i;
    }
    return FloatVector.fromArray(FLOATS, numbers, 0);
  }

  private void reserve(int places) {
    if (value.length < places) {
      value = new float[places];
      slopeX = new float[places];
      slopeY = new float[places];
    }
  }

  /**
   * Evaluates the PSF and its slopes into {@link #value}, {@link #slopeX}, {@link #slopeY}.
   *
   * @param form forms of stars, this one's from {@code f} on
   * @param radius half side of the stamp
   * @param x centre of the star less that of the stamp's middle pixel
   * @param y the same for rows
   */
  public void slopes(float[] form, int f, int radius, float x, float y) {
    int stride = stride(radius);
    reserve(stride * (2 * radius + 1));
    int at = 0;
    for (int row = -radius; row <= radius; row++) {
      boolean core = row >= -coreRadius && row <= coreRadius;
      for (int column = -radius; column <= radius; column += LANES) {
        if (gaussian == 1) {
          gaussianSlopes(form, f, column, x, row - y, core, at);
        } else {
          moffatSlopes(form, f, column, x, row - y, core, at);
        }
        at += LANES;
      }
    }
  }

  /**
   * Evaluates the PSF, its slopes and its derivatives by the form; {@link #value} to {@link
   * #byBeta} take them. The twin of {@link PsfKernel#pixelByShape}.
   *
   * @param form forms of stars, this one's from {@code f} on
   * @param radius half side of the stamp
   * @param x centre of the star less that of the stamp's middle pixel
   * @param y the same for rows
   */
  void shapes(float[] form, int f, int radius, float x, float y) {
    slopes(form, f, radius, x, y);
    int stride = stride(radius);
    if (byA.length < value.length) {
      byA = new float[value.length];
      byB = new float[value.length];
      byC = new float[value.length];
      byBeta = new float[value.length];
    }
    int at = 0;
    for (int row = -radius; row <= radius; row++) {
      boolean core = row >= -coreRadius && row <= coreRadius;
      for (int column = -radius; column < -radius + stride; column += LANES) {
        VectorMask<Float> inner = inCore(column, core);
        byShape(form, f, column, x, row - y, 1, at, null);
        if (inner != null) {
          byShape(form, f, column, x, row - y, coreOrder, at, inner);
        }
        at += LANES;
      }
    }
  }

  /** The derivatives by the form in the lanes asked for, by quadrature of order x order nodes. */
  private void byShape(
      float[] form,
      int f,
      int column,
      float x,
      float dy,
      int order,
      int at,
      VectorMask<Float> lanes) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    FloatVector dx = LANE_NUMBERS.add(column - x);
    FloatVector sum = FloatVector.zero(FLOATS);
    FloatVector sumA = FloatVector.zero(FLOATS);
    FloatVector sumB = FloatVector.zero(FLOATS);
    FloatVector sumC = FloatVector.zero(FLOATS);
    FloatVector sumLog = FloatVector.zero(FLOATS);
    int n0 = order * (order - 1) / 2;
    for (int j = 0; j < order; j++) {
      float ny = dy + node[n0 + j];
      float wy = nodeWeight[n0 + j] * norm;
      for (int i = 0; i < order; i++) {
        float w = wy * nodeWeight[n0 + i];
        FloatVector nx = dx.add(node[n0 + i]);
        FloatVector q = nx.mul(nx.mul(a).add(b * ny)).add(c * ny * ny);
        FloatVector p;
        FloatVector slope;
        if (gaussian == 1) {
          p = exponential(q.mul(-0.5f)).mul(w);
          slope = p.mul(0.5f);
        } else {
          FloatVector u = q.add(1f);
          FloatVector log = log2(u);
          p = powerOfTwo(log.mul(-beta)).mul(w);
          slope = p.mul(beta).div(u);
          sumLog = p.fma(log, sumLog);
        }
        sum = sum.add(p);
        FloatVector slopeX = slope.mul(nx);
        sumA = slopeX.fma(nx, sumA);
        sumB = slopeX.mul(ny).add(sumB);
        sumC = slope.mul(ny * ny).add(sumC);
      }
    }
    float det = a * c - 0.25f * b * b;
    FloatVector ofA = sum.mul(0.5f * c / det).sub(sumA);
    FloatVector ofB = sum.mul(-0.25f * b / det).sub(sumB);
    FloatVector ofC = sum.mul(0.5f * a / det).sub(sumC);
    FloatVector ofBeta =
        gaussian == 1 ? sum.mul(0f) : sum.mul(1f / (beta - 1f)).sub(sumLog.mul(0.693147181f));
    if (lanes != null) {
      ofA = FloatVector.fromArray(FLOATS, byA, at).blend(ofA, lanes);
      ofB = FloatVector.fromArray(FLOATS, byB, at).blend(ofB, lanes);
      ofC = FloatVector.fromArray(FLOATS, byC, at).blend(ofC, lanes);
      ofBeta = FloatVector.fromArray(FLOATS, byBeta, at).blend(ofBeta, lanes);
    }
    ofA.intoArray(byA, at);
    ofB.intoArray(byB, at);
    ofC.intoArray(byC, at);
    ofBeta.intoArray(byBeta, at);
  }

  /**
   * Evaluates the PSF alone in one row, from the pixel {@code column} on, for as many vectors as
   * are asked for, into {@link #value}.
   *
   * @param form forms of stars, this one's from {@code f} on
   * @param column first pixel, relative to the star's own
   * @param row relative to the star's own
   * @param vectors how many times {@link #LANES} pixels
   * @param x centre of the star less that of its own pixel
   * @param y the same for rows
   */
  public void row(float[] form, int f, int column, int row, int vectors, float x, float y) {
    reserve(vectors * LANES);
    boolean core = row >= -coreRadius && row <= coreRadius;
    for (int k = 0; k < vectors; k++) {
      int from = column + k * LANES;
      if (gaussian == 1) {
        gaussianValues(form, f, from, x, row - y, core, k * LANES);
      } else {
        moffatValues(form, f, from, x, row - y, core, k * LANES);
      }
    }
  }

  /** Which of the lanes from a column on lie in the core; null where the vector has none. */
  private VectorMask<Float> inCore(int column, boolean core) {
    if (!core || column > coreRadius || column + LANES <= -coreRadius) {
      return null;
    }
    FloatVector columns = LANE_NUMBERS.add(column);
    return columns
        .compare(VectorOperators.GE, -coreRadius)
        .and(columns.compare(VectorOperators.LE, coreRadius));
  }

  private void moffatSlopes(
      float[] form, int f, int column, float x, float dy, boolean core, int at) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    FloatVector dx = LANE_NUMBERS.add(column - x);
    FloatVector gx = dx.mul(2f * a).add(b * dy);
    FloatVector gy = dx.mul(b).add(2f * c * dy);
    FloatVector u = dx.mul(gx).add(gy.mul(dy)).mul(0.5f).add(1f);
    FloatVector g = gx.mul(gx).add(gy.mul(gy));
    FloatVector h3 = power(u, -beta - 3f).mul(norm);
    FloatVector h2 = h3.mul(u);
    float t = 2f * (a + c);
    float k = beta * (beta + 1f) / 24f;
    FloatVector p = h2.mul(u.mul(u).add(g.mul(k)).sub(u.mul(beta / 24f * t)));
    FloatVector radial = h2.mul(u).mul(beta).add(h3.mul(g).mul(beta + 2f).sub(h2.mul(t)).mul(k));
    FloatVector twice = h2.mul(2f * k);
    FloatVector px = radial.mul(gx).sub(twice.mul(gx.mul(2f * a).add(gy.mul(b))));
    FloatVector py = radial.mul(gy).sub(twice.mul(gx.mul(b).add(gy.mul(2f * c))));
    VectorMask<Float> inner = inCore(column, core);
    if (inner != null) {
      int n0 = coreOrder * (coreOrder - 1) / 2;
      FloatVector sum = FloatVector.zero(FLOATS);
      FloatVector sumX = FloatVector.zero(FLOATS);
      FloatVector sumY = FloatVector.zero(FLOATS);
      for (int j = 0; j < coreOrder; j++) {
        float ny = dy + node[n0 + j];
        float wy = nodeWeight[n0 + j] * norm;
        for (int i = 0; i < coreOrder; i++) {
          float w = wy * nodeWeight[n0 + i];
          FloatVector nx = dx.add(node[n0 + i]);
          FloatVector nodeU = nx.mul(nx.mul(a).add(b * ny)).add(1f + c * ny * ny);
          FloatVector h = power(nodeU, -beta - 1f).mul(w);
          sum = h.fma(nodeU, sum);
          sumX = h.fma(nx.mul(2f * a).add(b * ny), sumX);
          sumY = h.fma(nx.mul(b).add(2f * c * ny), sumY);
        }
      }
      p = p.blend(sum, inner);
      px = px.blend(sumX.mul(beta), inner);
      py = py.blend(sumY.mul(beta), inner);
    }
    p.intoArray(value, at);
    px.intoArray(slopeX, at);
    py.intoArray(slopeY, at);
  }

  private void moffatValues(
      float[] form, int f, int column, float x, float dy, boolean core, int at) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    FloatVector dx = LANE_NUMBERS.add(column - x);
    FloatVector gx = dx.mul(2f * a).add(b * dy);
    FloatVector gy = dx.mul(b).add(2f * c * dy);
    FloatVector u = dx.mul(gx).add(gy.mul(dy)).mul(0.5f).add(1f);
    FloatVector g = gx.mul(gx).add(gy.mul(gy));
    FloatVector h2 = power(u, -beta - 2f).mul(norm);
    float t = 2f * (a + c);
    float k = beta * (beta + 1f) / 24f;
    FloatVector p = h2.mul(u.mul(u).add(g.mul(k)).sub(u.mul(beta / 24f * t)));
    VectorMask<Float> inner = inCore(column, core);
    if (inner != null) {
      int n0 = coreOrder * (coreOrder - 1) / 2;
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int j = 0; j < coreOrder; j++) {
        float ny = dy + node[n0 + j];
        float wy = nodeWeight[n0 + j] * norm;
        for (int i = 0; i < coreOrder; i++) {
          FloatVector nx = dx.add(node[n0 + i]);
          FloatVector nodeU = nx.mul(nx.mul(a).add(b * ny)).add(1f + c * ny * ny);
          sum = power(nodeU, -beta).mul(wy * nodeWeight[n0 + i]).add(sum);
        }
      }
      p = p.blend(sum, inner);
    }
    p.intoArray(value, at);
  }

  private void gaussianSlopes(
      float[] form, int f, int column, float x, float dy, boolean core, int at) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    FloatVector dx = LANE_NUMBERS.add(column - x);
    FloatVector gx = dx.mul(2f * a).add(b * dy);
    FloatVector gy = dx.mul(b).add(2f * c * dy);
    FloatVector g = gx.mul(gx).add(gy.mul(gy));
    FloatVector middle = exponential(dx.mul(gx).add(gy.mul(dy)).mul(-0.25f)).mul(norm);
    FloatVector p = middle.mul(g.mul(0.25f / 24f).add(1f - (a + c) / 24f));
    FloatVector less = middle.mul(1f / 48f);
    FloatVector px = gx.mul(p).mul(0.5f).sub(less.mul(gx.mul(2f * a).add(gy.mul(b))));
    FloatVector py = gy.mul(p).mul(0.5f).sub(less.mul(gx.mul(b).add(gy.mul(2f * c))));
    VectorMask<Float> inner = inCore(column, core);
    if (inner != null) {
      int n0 = coreOrder * (coreOrder - 1) / 2;
      FloatVector sum = FloatVector.zero(FLOATS);
      FloatVector sumX = FloatVector.zero(FLOATS);
      FloatVector sumY = FloatVector.zero(FLOATS);
      for (int j = 0; j < coreOrder; j++) {
        float ny = dy + node[n0 + j];
        float wy = nodeWeight[n0 + j] * norm;
        for (int i = 0; i < coreOrder; i++) {
          FloatVector nx = dx.add(node[n0 + i]);
          FloatVector q = nx.mul(nx.mul(a).add(b * ny)).add(c * ny * ny);
          FloatVector e = exponential(q.mul(-0.5f)).mul(wy * nodeWeight[n0 + i]);
          sum = sum.add(e);
          sumX = e.fma(nx.mul(2f * a).add(b * ny), sumX);
          sumY = e.fma(nx.mul(b).add(2f * c * ny), sumY);
        }
      }
      p = p.blend(sum, inner);
      px = px.blend(sumX.mul(0.5f), inner);
      py = py.blend(sumY.mul(0.5f), inner);
    }
    p.intoArray(value, at);
    px.intoArray(slopeX, at);
    py.intoArray(slopeY, at);
  }

  private void gaussianValues(
      float[] form, int f, int column, float x, float dy, boolean core, int at) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    FloatVector dx = LANE_NUMBERS.add(column - x);
    FloatVector gx = dx.mul(2f * a).add(b * dy);
    FloatVector gy = dx.mul(b).add(2f * c * dy);
    FloatVector g = gx.mul(gx).add(gy.mul(gy));
    FloatVector middle = exponential(dx.mul(gx).add(gy.mul(dy)).mul(-0.25f)).mul(norm);
    FloatVector p = middle.mul(g.mul(0.25f / 24f).add(1f - (a + c) / 24f));
    VectorMask<Float> inner = inCore(column, core);
    if (inner != null) {
      int n0 = coreOrder * (coreOrder - 1) / 2;
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int j = 0; j < coreOrder; j++) {
        float ny = dy + node[n0 + j];
        float wy = nodeWeight[n0 + j] * norm;
        for (int i = 0; i < coreOrder; i++) {
          FloatVector nx = dx.add(node[n0 + i]);
          FloatVector q = nx.mul(nx.mul(a).add(b * ny)).add(c * ny * ny);
          sum = exponential(q.mul(-0.5f)).mul(wy * nodeWeight[n0 + i]).add(sum);
        }
      }
      p = p.blend(sum, inner);
    }
    p.intoArray(value, at);
  }

  /** u to a power, u from 1 up; 0 where the result would be below 2^-126. */
  static FloatVector power(FloatVector u, float exponent) {
    return powerOfTwo(log2(u).mul(exponent));
  }

  /** The exponential function of numbers of 0 and less; 0 below -87. */
  static FloatVector exponential(FloatVector x) {
    return powerOfTwo(x.mul(1.442695041f));
  }

  /** log2 of positive, normal numbers, with the polynomial of ItemKernel. */
  static FloatVector log2(FloatVector u) {
    IntVector bits = u.reinterpretAsInts();
    IntVector k = bits.sub(0x3f3504f3).lanewise(VectorOperators.ASHR, 23);
    FloatVector f = bits.sub(k.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1f);
    // An integer added to the bits of 1.5 * 2^23 stands in its lowest bits.
    FloatVector whole = k.add(ROUNDING_BITS).reinterpretAsFloats().sub(ROUNDING);
    FloatVector f2 = f.mul(f);
    FloatVector f4 = f2.mul(f2);
    FloatVector low =
        f.mul(-0.721347346802f)
            .add(1.44269500365f)
            .add(f.mul(-0.360703683003f).add(0.48091064295f).mul(f2));
    FloatVector high =
        f.mul(-0.238944816978f)
            .add(0.287916247713f)
            .add(f.mul(-0.207269775238f).add(0.215715607016f).mul(f2))
            .add(f4.mul(0.125837048941f));
    return f.mul(low.add(f4.mul(high))).add(whole);
  }

  /** 2 to a power of 0 or less, with the polynomial of ItemKernel. */
  private static FloatVector powerOfTwo(FloatVector exponent) {
    FloatVector bounded = exponent.max(-126f);
    FloatVector shifted = bounded.add(ROUNDING);
    FloatVector fraction = bounded.sub(shifted.sub(ROUNDING));
    FloatVector square = fraction.mul(fraction);
    FloatVector high =
        fraction
            .mul(0.00015353362997f)
            .add(0.00133988744266f)
            .mul(square)
            .add(fraction.mul(0.0096184373532f).add(0.055503324711f));
    FloatVector polynomial =
        fraction
            .mul(0.240226479137f)
            .add(0.693147202855f)
            .add(high.mul(square))
            .mul(fraction)
            .add(1f);
    return polynomial
        .reinterpretAsInts()
        .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
        .reinterpretAsFloats();
  }
}
