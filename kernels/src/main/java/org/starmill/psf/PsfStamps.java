package org.starmill.psf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Evaluates the PSF of a star and its slopes on a whole stamp with the Vector API: the twin of
 * {@link PsfKernel#pixel} and {@link PsfKernel#pixelAndSlopes}.
 *
 * <p>All pixels of the stamp stand in a row and are the lanes of the Taylor expansion; those of the
 * core stand in a row of their own, are integrated with the core's quadrature and put into their
 * places. Each loop over vectors is a method of its own, so that the compiler keeps its sums in
 * registers. Agrees with the scalar source to 3e-6 of the value, and of the largest slope. One for
 * each thread: it holds the stamps.
 */
public final class PsfStamps {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** Pixels that are evaluated at once. */
  public static final int LANES = FLOATS.length();

  private static final float LN2 = 0.693147181f;

  /** exp(-q) is 2 to this times q. */
  private static final float GAUSSIAN = -1.442695041f;

  private static final float ROUNDING = 12582912f;
  private static final int ROUNDING_BITS = 0x4b400000;

  /** 0, 1, 2, ... */
  public static final FloatVector LANE_NUMBERS = laneNumbers();

  private final boolean gaussian;
  private final int coreRadius;

  /** The nodes of the core's quadrature, one by one: offsets from the pixel's centre, weights. */
  private final int nodes;

  private final float[] nodeX;
  private final float[] nodeY;
  private final float[] nodeWeight;
  private final float[] residualTable;
  private final int residualSize;
  private final int residualRow;
  private final int residualRows;
  private final int residualSteps;
  private final float residualOrigin;
  private final float residualReach;

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

  /** Radius that the pixels are laid out for. */
  private int laidOut = -1;

  /** Column and row of each place of the stamp, relative to the star's own pixel. */
  private float[] column = new float[0];

  private float[] row = new float[0];

  /** The pixels of the core, and the results there before they are put into their places. */
  private int inCore;

  private int coreSide;
  private float[] coreColumn = new float[0];
  private float[] coreRow = new float[0];
  private final float[][] core = new float[4][0];

  /** Pixels of a single row, for {@link #row}. */
  private float[] lineColumn = new float[0];

  private float[] lineRow = new float[0];
  private float[] lineCore = new float[0];

  /**
   * Of places and, node by node, of the core's pixels: log2(1 + q) for a Moffat, q for a Gaussian,
   * and then its power. They stand apart from the sums, for all in one loop is more than the
   * compiler takes.
   */
  private float[] argument = new float[0];

  private float[] power = new float[0];
  private float[] coreArgument = new float[0];
  private float[] corePower = new float[0];

  /** Places and weights of the sixteen nodes that a star's residuals are interpolated between. */
  private final int[] gridPlace = new int[16];

  private final float[] gridWeight = new float[16];
  private final float[] gridSlopeX = new float[16];
  private final float[] gridSlopeY = new float[16];

  /** Makes stamps for PSFs of the kind and width that a kernel is configured for. */
  public PsfStamps(PsfKernel kernel) {
    gaussian = kernel.gaussian == 1;
    coreRadius = kernel.coreRadius;
    int order = kernel.coreOrder;
    int n0 = order * (order - 1) / 2;
    nodes = order * order;
    nodeX = new float[nodes];
    nodeY = new float[nodes];
    nodeWeight = new float[nodes];
    for (int i = 0; i < nodes; i++) {
      nodeX[i] = kernel.node[n0 + i % order];
      nodeY[i] = kernel.node[n0 + i / order];
      nodeWeight[i] = kernel.nodeWeight[n0 + i % order] * kernel.nodeWeight[n0 + i / order];
    }
    residualTable = kernel.residualTable;
    residualSize = kernel.residualSize;
    residualRow = kernel.residualRow;
    residualRows = kernel.residualRows;
    residualSteps = kernel.residualSteps;
    residualOrigin = kernel.residualOrigin;
    residualReach = kernel.residualReach;
  }

  /** Places from one row of a stamp to the next: the side, rounded up to whole vectors. */
  public static int stride(int radius) {
    return (2 * radius + LANES) / LANES * LANES;
  }

  private static int wholeVectors(int places) {
    return (places + LANES - 1) / LANES * LANES;
  }

  private static FloatVector laneNumbers() {
    float[] numbers = new float[LANES];
    for (int i = 0; i < LANES; i++) {
      numbers[i] = i;
    }
    return FloatVector.fromArray(FLOATS, numbers, 0);
  }

  private void reserve(int places) {
    // The residual is added from its own first pixel on, and may reach beyond the last row.
    if (value.length < places + LANES) {
      value = new float[places + LANES];
      slopeX = new float[places + LANES];
      slopeY = new float[places + LANES];
      argument = new float[places + LANES];
      power = new float[places + LANES];
    }
  }

  /** Lays out the pixels of a stamp and of its core; gives the number of places. */
  private int layOut(int radius) {
    int stride = stride(radius);
    int places = stride * (2 * radius + 1);
    reserve(places);
    if (radius == laidOut) {
      return places;
    }
    laidOut = radius;
    column = new float[places];
    row = new float[places];
    for (int i = 0; i < places; i++) {
      column[i] = i % stride - radius;
      row[i] = i / stride - radius;
    }
    int reach = Math.min(radius, coreRadius);
    coreSide = 2 * reach + 1;
    inCore = reach < 0 ? 0 : wholeVectors(coreSide * coreSide);
    coreColumn = new float[inCore];
    coreRow = new float[inCore];
    for (int i = 0; i < inCore; i++) {
      int pixel = Math.min(i, coreSide * coreSide - 1);
      coreColumn[i] = pixel % coreSide - reach;
      coreRow[i] = pixel / coreSide - reach;
    }
    for (int i = 0; i < core.length; i++) {
      core[i] = new float[inCore];
    }
    return places;
  }

  /** Puts results of the core into their places of the stamp. */
  private void place(float[] results, float[] stamp) {
    int stride = stride(laidOut);
    int first = laidOut - (coreSide - 1) / 2;
    for (int y = 0; y < coreSide; y++) {
      System.arraycopy(results, y * coreSide, stamp, (first + y) * stride + first, coreSide);
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
    int places = layOut(radius);
    arguments(form, f, column, row, places, x, y, argument, 0);
    coreArguments(form, f, coreColumn, coreRow, inCore, x, y);
    if (gaussian) {
      powers(argument, places, 0.5f * GAUSSIAN, power);
      gaussianSlopes(form, f, places, x, y);
      powers(coreArgument, nodes * inCore, 0.5f * GAUSSIAN, corePower);
    } else {
      powers(argument, places, -form[f + 3] - 3f, power);
      moffatSlopes(form, f, places, x, y);
      powers(coreArgument, nodes * inCore, -form[f + 3] - 1f, corePower);
    }
    for (int at = 0; at < inCore; at += LANES) {
      coreSlopes(form, f, at, x, y);
    }
    if (inCore > 0) {
      place(core[0], value);
      place(core[1], slopeX);
      place(core[2], slopeY);
    }
    addResidual(form[f + 5], radius, x, y, true);
  }

  /** Evaluates the PSF alone, as {@link #slopes} does, into {@link #value}. */
  public void values(float[] form, int f, int radius, float x, float y) {
    int places = layOut(radius);
    expanded(form, f, column, row, places, x, y);
    if (inCore > 0) {
      integrated(form, f, coreColumn, coreRow, core[0], inCore, x, y);
      place(core[0], value);
    }
    addResidual(form[f + 5], radius, x, y, false);
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
    int places = stride(radius) * (2 * radius + 1);
    if (byA.length < value.length) {
      byA = new float[value.length];
      byB = new float[value.length];
      byC = new float[value.length];
      byBeta = new float[value.length];
    }
    if (gaussian) {
      powers(argument, places, 0.5f * GAUSSIAN, power);
    } else {
      powers(argument, places, -form[f + 3] - 1f, power);
    }
    byForm(form, f, places, x, y);
    for (int at = 0; at < inCore; at += LANES) {
      coreByForm(form, f, at, x, y);
    }
    if (inCore > 0) {
      place(core[0], byA);
      place(core[1], byB);
      place(core[2], byC);
      place(core[3], byBeta);
    }
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
    int places = vectors * LANES;
    reserve(places);
    if (lineColumn.length < places) {
      lineColumn = new float[places];
      lineRow = new float[places];
      lineCore = new float[places];
    }
    for (int i = 0; i < places; i++) {
      lineColumn[i] = column + i;
    }
    Arrays.fill(lineRow, 0, places, row);
    expanded(form, f, lineColumn, lineRow, places, x, y);
    int first = Math.max(column, -coreRadius);
    int last = Math.min(column + places - 1, coreRadius);
    if (first <= last && row >= -coreRadius && row <= coreRadius) {
      int count = last - first + 1;
      for (int i = 0; i < count; i++) {
        lineColumn[i] = first + i;
      }
      integrated(form, f, lineColumn, lineRow, lineCore, wholeVectors(count), x, y);
      System.arraycopy(lineCore, 0, value, first - column, count);
    }
    if (form[f + 5] > 0 && Math.abs(row - y) < residualReach) {
      gridWeights(form[f + 5], x, y);
      int from = Math.max(column, (int) Math.ceil(x - residualReach));
      int to = Math.min(column + places - 1, (int) Math.floor(x + residualReach));
      for (int c = from; c <= to; c += LANES) {
        addResidualValues(row * residualRow + c, c - column);
      }
    }
  }

  /** Adds the residuals of a whole stamp, where a form names a table. */
  private void addResidual(float number, int radius, float x, float y, boolean slopes) {
    if (!(number > 0)) {
      return;
    }
    gridWeights(number, x, y);
    int stride = stride(radius);
    int top = Math.max(-radius, (int) Math.ceil(y - residualReach));
    int bottom = Math.min(radius, (int) Math.floor(y + residualReach));
    int first = Math.max(-radius, (int) Math.ceil(x - residualReach));
    int last = Math.min(radius, (int) Math.floor(x + residualReach));
    for (int r = top; r <= bottom; r++) {
      for (int c = first; c <= last; c += LANES) {
        int at = (r + radius) * stride + c + radius;
        addResidualValues(r * residualRow + c, at);
        if (slopes) {
          addResidualSlopes(r * residualRow + c, at);
        }
      }
    }
  }

  /**
   * Finds the weights of the sixteen nodes about the star's own pixel. Those of all other pixels
   * are the same: nodes a pixel apart lie side by side in the table.
   */
  private void gridWeights(float number, float x, float y) {
    int start = ((int) number - 1) * residualSize;
    float tx = residualOrigin - x * residualSteps;
    float ty = residualOrigin - y * residualSteps;
    int ix = (int) tx;
    int iy = (int) ty;
    for (int j = 0; j < 4; j++) {
      int nodeRow = iy - 1 + j;
      float wy = cubic(j, ty - iy);
      float vy = -residualSteps * cubicSlope(j, ty - iy);
      for (int i = 0; i < 4; i++) {
        int nodeColumn = ix - 1 + i;
        int k = 4 * j + i;
        int phase = nodeRow % residualSteps * residualSteps + nodeColumn % residualSteps;
        gridPlace[k] =
            start
                + (phase * residualRows + nodeRow / residualSteps) * residualRow
                + nodeColumn / residualSteps;
        float wx = cubic(i, tx - ix);
        gridWeight[k] = wy * wx;
        gridSlopeX[k] = -residualSteps * wy * cubicSlope(i, tx - ix);
        gridSlopeY[k] = vy * wx;
      }
    }
  }

  private static float cubic(int which, float share) {
    return switch (which) {
      case 0 -> share * (-0.5f + share * (1f - 0.5f * share));
      case 1 -> 1f + share * share * (1.5f * share - 2.5f);
      case 2 -> share * (0.5f + share * (2f - 1.5f * share));
      default -> share * share * (0.5f * share - 0.5f);
    };
  }

  private static float cubicSlope(int which, float share) {
    return switch (which) {
      case 0 -> -0.5f + share * (2f - 1.5f * share);
      case 1 -> share * (4.5f * share - 5f);
      case 2 -> 0.5f + share * (4f - 4.5f * share);
      default -> share * (1.5f * share - 1f);
    };
  }

  private void addResidualValues(int shift, int at) {
    FloatVector sum = FloatVector.fromArray(FLOATS, value, at);
    for (int k = 0; k < 16; k++) {
      FloatVector node = FloatVector.fromArray(FLOATS, residualTable, gridPlace[k] + shift);
      sum = node.mul(gridWeight[k]).add(sum);
    }
    sum.intoArray(value, at);
  }

  private void addResidualSlopes(int shift, int at) {
    FloatVector sumX = FloatVector.fromArray(FLOATS, slopeX, at);
    FloatVector sumY = FloatVector.fromArray(FLOATS, slopeY, at);
    for (int k = 0; k < 16; k++) {
      FloatVector node = FloatVector.fromArray(FLOATS, residualTable, gridPlace[k] + shift);
      sumX = node.mul(gridSlopeX[k]).add(sumX);
      sumY = node.mul(gridSlopeY[k]).add(sumY);
    }
    sumX.intoArray(slopeX, at);
    sumY.intoArray(slopeY, at);
  }

  /** The Taylor expansion of the PSF alone, into {@link #value}. */
  private void expanded(
      float[] form, int f, float[] columns, float[] rows, int places, float x, float y) {
    arguments(form, f, columns, rows, places, x, y, argument, 0);
    if (gaussian) {
      powers(argument, places, 0.5f * GAUSSIAN, power);
      gaussianValues(form, f, columns, rows, places, x, y);
    } else {
      powers(argument, places, -form[f + 3] - 2f, power);
      moffatValues(form, f, columns, rows, places, x, y);
    }
  }

  /** The PSF alone, integrated with the nodes of the core. */
  private void integrated(
      float[] form,
      int f,
      float[] columns,
      float[] rows,
      float[] out,
      int places,
      float x,
      float y) {
    coreArguments(form, f, columns, rows, places, x, y);
    powers(coreArgument, nodes * places, gaussian ? 0.5f * GAUSSIAN : -form[f + 3], corePower);
    for (int at = 0; at < places; at += LANES) {
      coreValues(form[f + 4], out, at, places);
    }
  }

  private void coreArguments(
      float[] form, int f, float[] columns, float[] rows, int places, float x, float y) {
    if (coreArgument.length < nodes * places) {
      coreArgument = new float[nodes * places];
      corePower = new float[nodes * places];
    }
    for (int i = 0; i < nodes; i++) {
      arguments(
          form, f, columns, rows, places, x - nodeX[i], y - nodeY[i], coreArgument, i * places);
    }
  }

  private void arguments(
      float[] form,
      int f,
      float[] columns,
      float[] rows,
      int places,
      float x,
      float y,
      float[] out,
      int from) {
    if (gaussian) {
      squares(form, f, columns, rows, places, x, y, out, from);
    } else {
      logarithms(form, f, columns, rows, places, x, y, out, from);
    }
  }

  private static void squares(
      float[] form,
      int f,
      float[] columns,
      float[] rows,
      int places,
      float x,
      float y,
      float[] out,
      int from) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, columns, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, rows, at).sub(y);
      dx.mul(a).add(dy.mul(b)).mul(dx).add(dy.mul(dy).mul(c)).intoArray(out, from + at);
    }
  }

  /** log2(1 + q), with the polynomial of ItemKernel. */
  private static void logarithms(
      float[] form,
      int f,
      float[] columns,
      float[] rows,
      int places,
      float x,
      float y,
      float[] out,
      int from) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, columns, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, rows, at).sub(y);
      IntVector bits =
          dx.mul(a).add(dy.mul(b)).mul(dx).add(dy.mul(dy).mul(c)).add(1f).reinterpretAsInts();
      IntVector k = bits.sub(0x3f3504f3).lanewise(VectorOperators.ASHR, 23);
      FloatVector t = bits.sub(k.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1f);
      // An integer added to the bits of 1.5 * 2^23 stands in its lowest bits.
      FloatVector whole = k.add(ROUNDING_BITS).reinterpretAsFloats().sub(ROUNDING);
      FloatVector t2 = t.mul(t);
      FloatVector low =
          t.mul(-0.721347346802f)
              .add(1.44269500365f)
              .add(t.mul(-0.360703683003f).add(0.48091064295f).mul(t2));
      FloatVector high =
          t.mul(-0.238944816978f)
              .add(0.287916247713f)
              .add(t.mul(-0.207269775238f).add(0.215715607016f).mul(t2))
              .add(t2.mul(t2).mul(0.125837048941f));
      t.mul(low.add(t2.mul(t2).mul(high))).add(whole).intoArray(out, from + at);
    }
  }

  /**
   * 2 to the power of arguments times a factor, products of 0 or less, with the polynomial of
   * ItemKernel; 0 where the result would be below 2^-126.
   */
  private static void powers(float[] arguments, int places, float factor, float[] out) {
    for (int at = 0; at < places; at += LANES) {
      FloatVector bounded = FloatVector.fromArray(FLOATS, arguments, at).mul(factor).max(-126f);
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
      polynomial
          .reinterpretAsInts()
          .add(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
          .reinterpretAsFloats()
          .intoArray(out, at);
    }
  }

  private void moffatValues(
      float[] form, int f, float[] columns, float[] rows, int places, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    float laplacian = beta / 12f * (a + c);
    float k = beta * (beta + 1f) / 24f;
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, columns, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, rows, at).sub(y);
      FloatVector gx = dx.mul(2f * a).add(dy.mul(b));
      FloatVector gy = dx.mul(b).add(dy.mul(2f * c));
      FloatVector u = dx.mul(gx).add(gy.mul(dy)).mul(0.5f).add(1f);
      FloatVector g = gx.mul(gx).add(gy.mul(gy));
      FloatVector.fromArray(FLOATS, power, at)
          .mul(norm)
          .mul(u.mul(u).add(g.mul(k)).sub(u.mul(laplacian)))
          .intoArray(value, at);
    }
  }

  private void gaussianValues(
      float[] form, int f, float[] columns, float[] rows, int places, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, columns, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, rows, at).sub(y);
      FloatVector gx = dx.mul(2f * a).add(dy.mul(b));
      FloatVector gy = dx.mul(b).add(dy.mul(2f * c));
      FloatVector g = gx.mul(gx).add(gy.mul(gy));
      FloatVector.fromArray(FLOATS, power, at)
          .mul(norm)
          .mul(g.mul(0.25f / 24f).add(1f - (a + c) / 24f))
          .intoArray(value, at);
    }
  }

  private void coreValues(float norm, float[] out, int at, int places) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < nodes; i++) {
      sum = FloatVector.fromArray(FLOATS, corePower, i * places + at).mul(nodeWeight[i]).add(sum);
    }
    sum.mul(norm).intoArray(out, at);
  }

  private void moffatSlopes(float[] form, int f, int places, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    float t = 2f * (a + c);
    float k = beta * (beta + 1f) / 24f;
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, column, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, row, at).sub(y);
      FloatVector gx = dx.mul(2f * a).add(dy.mul(b));
      FloatVector gy = dx.mul(b).add(dy.mul(2f * c));
      FloatVector u = dx.mul(gx).add(gy.mul(dy)).mul(0.5f).add(1f);
      FloatVector g = gx.mul(gx).add(gy.mul(gy));
      FloatVector h3 = FloatVector.fromArray(FLOATS, power, at).mul(norm);
      FloatVector h2 = h3.mul(u);
      h2.mul(u.mul(u).add(g.mul(k)).sub(u.mul(beta / 24f * t))).intoArray(value, at);
      FloatVector radial = h2.mul(u).mul(beta).add(h3.mul(g).mul(beta + 2f).sub(h2.mul(t)).mul(k));
      FloatVector twice = h2.mul(2f * k);
      radial.mul(gx).sub(twice.mul(gx.mul(2f * a).add(gy.mul(b)))).intoArray(slopeX, at);
      radial.mul(gy).sub(twice.mul(gx.mul(b).add(gy.mul(2f * c)))).intoArray(slopeY, at);
    }
  }

  private void gaussianSlopes(float[] form, int f, int places, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, column, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, row, at).sub(y);
      FloatVector gx = dx.mul(2f * a).add(dy.mul(b));
      FloatVector gy = dx.mul(b).add(dy.mul(2f * c));
      FloatVector g = gx.mul(gx).add(gy.mul(gy));
      FloatVector middle = FloatVector.fromArray(FLOATS, power, at).mul(norm);
      FloatVector p = middle.mul(g.mul(0.25f / 24f).add(1f - (a + c) / 24f));
      FloatVector less = middle.mul(1f / 48f);
      p.intoArray(value, at);
      gx.mul(p).mul(0.5f).sub(less.mul(gx.mul(2f * a).add(gy.mul(b)))).intoArray(slopeX, at);
      gy.mul(p).mul(0.5f).sub(less.mul(gx.mul(b).add(gy.mul(2f * c)))).intoArray(slopeY, at);
    }
  }

  /** With the power of -beta - 1 for a Moffat, whose value is 1 + q times that. */
  private void coreSlopes(float[] form, int f, int at, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float steepness = gaussian ? 0.5f : form[f + 3];
    float share = gaussian ? 0f : 0.5f;
    FloatVector dx = FloatVector.fromArray(FLOATS, coreColumn, at).sub(x);
    FloatVector dy = FloatVector.fromArray(FLOATS, coreRow, at).sub(y);
    FloatVector sum = FloatVector.zero(FLOATS);
    FloatVector sumX = FloatVector.zero(FLOATS);
    FloatVector sumY = FloatVector.zero(FLOATS);
    for (int i = 0; i < nodes; i++) {
      FloatVector nx = dx.add(nodeX[i]);
      FloatVector ny = dy.add(nodeY[i]);
      FloatVector gx = nx.mul(2f * a).add(ny.mul(b));
      FloatVector gy = nx.mul(b).add(ny.mul(2f * c));
      FloatVector u = nx.mul(gx).add(ny.mul(gy)).mul(share).add(1f);
      FloatVector h = FloatVector.fromArray(FLOATS, corePower, i * inCore + at).mul(nodeWeight[i]);
      sum = h.fma(u, sum);
      sumX = h.fma(gx, sumX);
      sumY = h.fma(gy, sumY);
    }
    sum.mul(form[f + 4]).intoArray(core[0], at);
    sumX.mul(steepness * form[f + 4]).intoArray(core[1], at);
    sumY.mul(steepness * form[f + 4]).intoArray(core[2], at);
  }

  /** The derivatives of the profile at the pixel's centre; those by beta are 0 for a Gaussian. */
  private void byForm(float[] form, int f, int places, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    float det = a * c - 0.25f * b * b;
    float steepness = gaussian ? 0.5f : form[f + 3];
    float share = gaussian ? 0f : 1f;
    float logShare = gaussian ? 0f : -LN2;
    float constant = gaussian ? 0f : 1f / (form[f + 3] - 1f);
    for (int at = 0; at < places; at += LANES) {
      FloatVector dx = FloatVector.fromArray(FLOATS, column, at).sub(x);
      FloatVector dy = FloatVector.fromArray(FLOATS, row, at).sub(y);
      FloatVector u = dx.mul(a).add(dy.mul(b)).mul(dx).add(dy.mul(dy).mul(c)).mul(share).add(1f);
      FloatVector h = FloatVector.fromArray(FLOATS, power, at).mul(norm);
      FloatVector p = h.mul(u);
      FloatVector slope = h.mul(steepness);
      p.mul(0.5f * c / det).sub(slope.mul(dx).mul(dx)).intoArray(byA, at);
      p.mul(-0.25f * b / det).sub(slope.mul(dx).mul(dy)).intoArray(byB, at);
      p.mul(0.5f * a / det).sub(slope.mul(dy).mul(dy)).intoArray(byC, at);
      FloatVector log = FloatVector.fromArray(FLOATS, argument, at);
      p.mul(log.mul(logShare).add(constant)).intoArray(byBeta, at);
    }
  }

  /** The same, integrated with the nodes of the core, with the powers that the slopes had. */
  private void coreByForm(float[] form, int f, int at, float x, float y) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    float det = a * c - 0.25f * b * b;
    float steepness = gaussian ? 0.5f : form[f + 3];
    float share = gaussian ? 0f : 1f;
    FloatVector dx = FloatVector.fromArray(FLOATS, coreColumn, at).sub(x);
    FloatVector dy = FloatVector.fromArray(FLOATS, coreRow, at).sub(y);
    FloatVector sum = FloatVector.zero(FLOATS);
    FloatVector sumA = FloatVector.zero(FLOATS);
    FloatVector sumB = FloatVector.zero(FLOATS);
    FloatVector sumC = FloatVector.zero(FLOATS);
    FloatVector sumLog = FloatVector.zero(FLOATS);
    for (int i = 0; i < nodes; i++) {
      FloatVector nx = dx.add(nodeX[i]);
      FloatVector ny = dy.add(nodeY[i]);
      FloatVector u = nx.mul(a).add(ny.mul(b)).mul(nx).add(ny.mul(ny).mul(c)).mul(share).add(1f);
      FloatVector h = FloatVector.fromArray(FLOATS, corePower, i * inCore + at).mul(nodeWeight[i]);
      FloatVector p = h.mul(u);
      sum = sum.add(p);
      sumLog = p.fma(FloatVector.fromArray(FLOATS, coreArgument, i * inCore + at), sumLog);
      FloatVector hx = h.mul(nx);
      sumA = hx.fma(nx, sumA);
      sumB = hx.fma(ny, sumB);
      sumC = h.mul(ny).fma(ny, sumC);
    }
    sum.mul(0.5f * c / det).sub(sumA.mul(steepness)).mul(norm).intoArray(core[0], at);
    sum.mul(-0.25f * b / det).sub(sumB.mul(steepness)).mul(norm).intoArray(core[1], at);
    sum.mul(0.5f * a / det).sub(sumC.mul(steepness)).mul(norm).intoArray(core[2], at);
    float ofLog = gaussian ? 0f : LN2 * norm;
    float constant = gaussian ? 0f : norm / (form[f + 3] - 1f);
    sum.mul(constant).sub(sumLog.mul(ofLog)).intoArray(core[3], at);
  }
}
