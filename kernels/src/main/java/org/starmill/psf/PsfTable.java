package org.starmill.psf;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.device.Devices;

/**
 * The PSF over the pixels of an image, tabulated, so that a star's stamp costs multiplications and
 * additions alone.
 *
 * <p>At some nodes of the field the PSF, integrated over a pixel, is evaluated on a grid of several
 * points a pixel and turned into the coefficients of a cubic B-spline (Unser, Aldroubi and Eden
 * 1993, IEEE Trans. Signal Processing 41, 821). Quadratic polynomials between the nodes give the
 * coefficients in the middle of each cell of the field. All pixels of a star share one phase
 * against the grid, so that its stamp is a sum of sixteen images of one pixel's step each: stored
 * by phase, these are rows of contiguous numbers, and pixels become lanes.
 *
 * <p>What the star's form differs by from that of its cell's middle is a small linear map of the
 * plane: P(X + M X) = P + (M X) grad P to first order, times the ratio of the norms. The map is
 * right to a tenth, for the pixels do not grow with the PSF.
 *
 * <p>With eight points a FWHM the spline is right to 2e-4 of the peak, and fluxes to 0.03 mmag at
 * every phase. Immutable, but for the {@link Local} that each thread has.
 */
public final class PsfTable {
  /** Grid points that a FWHM must have. */
  private static final double POINTS = 5.5;

  /** Pixels by which the table is wider than the stamps: the spline reaches two points further. */
  private static final int MARGIN = 2;

  /** Nodes along each side of a field whose PSF varies. */
  private static final int NODES = 9;

  /**
   * Side of a cell, pixels; and the fewest of them along a side: a small field's PSF varies no
   * less.
   */
  private static final int CELL = 128;

  private static final int FEWEST_CELLS = 16;

  /** Floats beyond the last, for those who read whole vectors, be they as long as may be. */
  private static final int PAD = 64;

  private static final double POLE = Math.sqrt(3) - 2;

  private final int radius;

  /** Grid points a pixel, a power of 2, and the logarithm of that. */
  private final int points;

  private final int shift;
  private final int side;

  /** Cells along each side of the field, and the side of one in pixels. */
  private final int columns;

  private final int rows;
  private final double cellWidth;
  private final double cellHeight;

  /** The coefficients in the middle of each cell, by phase, and the form there. */
  private final float[] table;

  /** Coefficients of a cell. */
  private final int size;

  private final float[] cellForm;

  /**
   * Tabulates a PSF.
   *
   * @param psf the PSF
   * @param kernel any kernel that is configured for it
   * @param radius half side of the largest stamp that will be asked for, pixels; the table reaches
   *     further where the PSF's core or residual does
   */
  public PsfTable(Psf psf, PsfKernel kernel, int radius) {
    boolean varies = psf.varies();
    // What lies beyond the table is left to the Taylor expansion: neither core nor residual.
    int residual = psf.residual() == null ? 0 : (int) Math.ceil(kernel.residualReach);
    this.radius = Math.max(radius, Math.max(kernel.coreRadius, residual));
    this.points = psf.fwhm() >= POINTS ? 1 : psf.fwhm() >= POINTS / 2 ? 2 : 4;
    this.shift = Integer.numberOfTrailingZeros(points);
    this.side = 2 * (this.radius + MARGIN) + 1;
    this.columns = varies ? Math.max(FEWEST_CELLS, (psf.width() + CELL - 1) / CELL) : 1;
    this.rows = varies ? Math.max(FEWEST_CELLS, (psf.height() + CELL - 1) / CELL) : 1;
    this.cellWidth = (double) psf.width() / columns;
    this.cellHeight = (double) psf.height() / rows;
    int nodes = varies ? NODES : 1;
    this.size = points * side * points * side;
    float[][] coefficients = new float[nodes * nodes][];
    // Without the module of vectors their class cannot be loaded.
    Evaluation evaluation = Devices.VECTORS ? new InVectors(kernel) : new OneByOne(kernel);
    float[] form = new float[PsfKernel.FORM];
    float[] grid = new float[size];
    float[] turned = new float[grid.length];
    for (int j = 0; j < nodes; j++) {
      for (int i = 0; i < nodes; i++) {
        psf.formAt(place(i, nodes, psf.width()), place(j, nodes, psf.height()), form, 0);
        coefficients[j * nodes + i] = tabulate(evaluation, form, grid, turned);
      }
    }
    table = new float[columns * rows * size + PAD];
    cellForm = new float[columns * rows * PsfKernel.FORM];
    float[][] along = new float[NODES][size];
    for (int j = 0; j < rows; j++) {
      double y = (j + 0.5) * cellHeight - 0.5;
      if (varies) {
        int first = firstNode(y / (psf.height() - 1)) * NODES;
        float[] weights = weights(y / (psf.height() - 1));
        for (int i = 0; i < NODES; i++) {
          between(
              coefficients[first + i],
              coefficients[first + NODES + i],
              coefficients[first + 2 * NODES + i],
              weights,
              along[i],
              0);
        }
      }
      for (int i = 0; i < columns; i++) {
        int cell = j * columns + i;
        double x = (i + 0.5) * cellWidth - 0.5;
        psf.formAt(x, y, cellForm, cell * PsfKernel.FORM);
        if (varies) {
          int first = firstNode(x / (psf.width() - 1));
          float[] weights = weights(x / (psf.width() - 1));
          between(along[first], along[first + 1], along[first + 2], weights, table, cell * size);
        } else {
          System.arraycopy(coefficients[0], 0, table, 0, size);
        }
      }
    }
  }

  private static double place(int node, int nodes, int size) {
    return nodes == 1 ? (size - 1) / 2.0 : node * (size - 1.0) / (nodes - 1);
  }

  /** Evaluates the PSF on stamps of the table's reach. */
  private interface Evaluation {
    /**
     * Evaluates one stamp.
     *
     * @param x centre of the star less that of the stamp's middle pixel
     * @return the pixels, rows of {@link #stride}
     */
    float[] stamp(float[] form, int reach, float x, float y);

    int stride(int reach);
  }

  /** In vectors, where the JVM has them. */
  private record InVectors(PsfStamps stamps) implements Evaluation {
    InVectors(PsfKernel kernel) {
      this(new PsfStamps(kernel));
    }

    @Override
    public float[] stamp(float[] form, int reach, float x, float y) {
      stamps.values(form, 0, reach, x, y);
      return stamps.value;
    }

    @Override
    public int stride(int reach) {
      return PsfStamps.stride(reach);
    }
  }

  /** Pixel by pixel. */
  private record OneByOne(PsfKernel kernel) implements Evaluation {
    @Override
    public float[] stamp(float[] form, int reach, float x, float y) {
      int stride = stride(reach);
      float[] stamp = new float[stride * stride];
      for (int py = -reach; py <= reach; py++) {
        int middle = (py + reach) * stride + reach;
        for (int px = -reach; px <= reach; px++) {
          stamp[middle + px] = kernel.pixel(form, 0, px - x, py - y, kernel.order(px, py));
        }
      }
      return stamp;
    }

    @Override
    public int stride(int reach) {
      return 2 * reach + 1;
    }
  }

  private float[] tabulate(Evaluation evaluation, float[] form, float[] grid, float[] turned) {
    int reach = radius + MARGIN;
    int stride = evaluation.stride(reach);
    int n = points * side;
    for (int ry = 0; ry < points; ry++) {
      for (int rx = 0; rx < points; rx++) {
        float[] stamp = evaluation.stamp(form, reach, -(float) rx / points, -(float) ry / points);
        for (int row = 0; row < side; row++) {
          int at = (row * points + ry) * n + rx;
          for (int p = 0; p < side; p++) {
            grid[at + p * points] = stamp[row * stride + p];
          }
        }
      }
    }
    filterColumns(grid, n);
    turn(grid, turned, n);
    filterColumns(turned, n);
    float[] byPhase = new float[size];
    int at = 0;
    for (int ry = 0; ry < points; ry++) {
      for (int rx = 0; rx < points; rx++) {
        for (int y = ry; y < n; y += points) {
          for (int x = rx; x < n; x += points) {
            byPhase[at++] = turned[x * n + y];
          }
        }
      }
    }
    return byPhase;
  }

  /** Exchanges rows and columns. */
  private static void turn(float[] grid, float[] turned, int n) {
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        turned[x * n + y] = grid[y * n + x];
      }
    }
  }

  /** Spline coefficients of each column: a causal and an anticausal recursive filter. */
  private static void filterColumns(float[] grid, int n) {
    float pole = (float) POLE;
    for (int x = 0; x < n; x++) {
      // Beyond the grid the PSF is taken to be what it is at its edge.
      grid[x] *= 6f / (1f - pole);
    }
    for (int y = 1; y < n; y++) {
      int row = y * n;
      for (int x = 0; x < n; x++) {
        grid[row + x] = 6f * grid[row + x] + pole * grid[row - n + x];
      }
    }
    int last = (n - 1) * n;
    for (int x = 0; x < n; x++) {
      grid[last + x] *= -pole / (1f - pole);
    }
    for (int y = n - 2; y >= 0; y--) {
      int row = y * n;
      for (int x = 0; x < n; x++) {
        grid[row + x] = pole * (grid[row + n + x] - grid[row + x]);
      }
    }
  }

  /** First of the three nodes about a place of the field, 0 to 1, and their weights there. */
  private static int firstNode(double place) {
    double u = Math.max(0, Math.min(NODES - 1, place * (NODES - 1)));
    return (int) Math.max(1, Math.min(NODES - 2, Math.round(u))) - 1;
  }

  private static float[] weights(double place) {
    double u = Math.max(0, Math.min(NODES - 1, place * (NODES - 1)));
    return lagrange(u - firstNode(place) - 1);
  }

  private static void between(
      float[] a, float[] b, float[] c, float[] weights, float[] sum, int at) {
    float wa = weights[0];
    float wb = weights[1];
    float wc = weights[2];
    for (int i = 0; i < a.length; i++) {
      sum[at + i] = wa * a[i] + wb * b[i] + wc * c[i];
    }
  }

  private static float[] lagrange(double t) {
    return new float[] {
      (float) (0.5 * t * (t - 1)), (float) (1 - t * t), (float) (0.5 * t * (t + 1))
    };
  }

  /** Half side of the largest stamp, pixels; the PSF beyond is its Taylor expansion alone. */
  public int radius() {
    return radius;
  }

  /** Lends a kernel the table. */
  void giveTo(TabulatedPsfKernel kernel) {
    kernel.spline = table;
    kernel.cellForm = cellForm;
    kernel.cellSize = size;
    kernel.imageSize = side * side;
    kernel.imageSide = side;
    kernel.imageMiddle = (radius + MARGIN) * (side + 1);
    kernel.points = points;
    kernel.pointShift = shift;
    kernel.cellColumns = columns;
    kernel.cellRows = rows;
    kernel.cellsAlong = (float) (1 / cellWidth);
    kernel.cellsDown = (float) (1 / cellHeight);
    kernel.tableRadius = radius;
  }

  /** A table of the PSF at one place at a time; one for each thread. */
  public Local local() {
    return new Local();
  }

  /** The PSF at one place of the field, and a star's stamp from it. */
  public final class Local {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    private final float[] table = PsfTable.this.table;

    /** Where the cell's coefficients start. */
    private int first;

    /** The form of the table, as it stands in {@link #cellForm}. */
    private int form;

    /** The map from the table's form to the star's, and the ratio of the norms. */
    private float m00;

    private float m01;
    private float m10;
    private float m11;
    private float scale;
    private float offsetX;
    private float offsetY;

    /** Where each of the sixteen images starts, and the spline's weights and slopes. */
    private final int[] start = new int[16];

    private final float[] weightX = new float[4];
    private final float[] weightY = new float[4];
    private final float[] slopeWeightX = new float[4];
    private final float[] slopeWeightY = new float[4];

    private Local() {}

    /**
     * Takes a star.
     *
     * @param cx column of the pixel at the middle of the stamp
     * @param cy its row
     * @param x centre of the star less that pixel's
     * @param y the same for rows
     * @param forms forms of stars, this one's from {@code f} on
     */
    public void star(int cx, int cy, float x, float y, float[] forms, int f) {
      int i = (int) Math.max(0f, Math.min(columns - 1f, (cx + 0.5f) * (float) (1 / cellWidth)));
      int j = (int) Math.max(0f, Math.min(rows - 1f, (cy + 0.5f) * (float) (1 / cellHeight)));
      first = (j * columns + i) * size;
      form = (j * columns + i) * PsfKernel.FORM;
      shape(forms, f);
      centre(x, y);
    }

    /**
     * Takes another star, with the table of the last one.
     *
     * @param x centre of the star less that of its own pixel
     */
    public void neighbour(float x, float y, float[] forms, int f) {
      shape(forms, f);
      centre(x, y);
    }

    /** With Q the quadratic form, Q0 (I + M) = Q - (Q0 M)^T: M = Q0^-1 (Q - Q0) / 2. */
    private void shape(float[] forms, int f) {
      float a = cellForm[form];
      float b = 0.5f * cellForm[form + 1];
      float c = cellForm[form + 2];
      float da = forms[f] - a;
      float db = 0.5f * forms[f + 1] - b;
      float dc = forms[f + 2] - c;
      float half = 0.5f / (a * c - b * b);
      m00 = half * (c * da - b * db);
      m01 = half * (c * db - b * dc);
      m10 = half * (a * db - b * da);
      m11 = half * (a * dc - b * db);
      scale = forms[f + 4] / cellForm[form + 4];
    }

    /** Sets the star's centre relative to the pixel that is at the stamp's middle. */
    private void centre(float x, float y) {
      offsetX = x;
      offsetY = y;
      spline(x, weightX, slopeWeightX);
      spline(y, weightY, slopeWeightY);
      int firstX = (int) Math.floor(-points * (double) x) - 1;
      int firstY = (int) Math.floor(-points * (double) y) - 1;
      int middle = first + (radius + MARGIN) * (side + 1);
      int image = side * side;
      for (int j = 0; j < 4; j++) {
        // Points are a power of 2: shift and mask are the floor of the quotient and the rest.
        int phaseY = (firstY + j) & (points - 1);
        int pixelY = (firstY + j) >> shift;
        int row = phaseY * points * image + pixelY * side + middle;
        for (int k = 0; k < 4; k++) {
          int phaseX = (firstX + k) & (points - 1);
          int pixelX = (firstX + k) >> shift;
          start[4 * j + k] = row + phaseX * image + pixelX;
        }
      }
    }

    /** Cubic B-spline weights of the four points about the star, and their slopes by its place. */
    private void spline(float offset, float[] weight, float[] slope) {
      double s = -points * (double) offset;
      float t = (float) (s - Math.floor(s));
      float r = 1f - t;
      float sixth = 1f / 6f;
      weight[0] = sixth * r * r * r;
      weight[1] = sixth * (4f + t * t * (3f * t - 6f));
      weight[2] = sixth * (4f + r * r * (3f * r - 6f));
      weight[3] = sixth * t * t * t;
      slope[0] = points * 0.5f * r * r;
      slope[1] = points * (2f * t - 1.5f * t * t);
      slope[2] = -points * (2f * r - 1.5f * r * r);
      slope[3] = -points * 0.5f * t * t;
    }

    // What gives or takes a vector is not always inlined, and then boxed: the same lines thrice.

    /**
     * Adds up the PSF and its slopes by the star's x and y in one vector of pixels.
     *
     * @param column first pixel, relative to the stamp's middle
     * @param row relative to the stamp's middle; neither further than the table's radius
     * @param at place that all three are written to
     */
    public void slopes(int column, int row, float[] value, float[] slopeX, float[] slopeY, int at) {
      float[] t = table;
      int[] from = start;
      int place = row * side + column;
      FloatVector w0 = FloatVector.broadcast(FLOATS, weightX[0]);
      FloatVector w1 = FloatVector.broadcast(FLOATS, weightX[1]);
      FloatVector w2 = FloatVector.broadcast(FLOATS, weightX[2]);
      FloatVector w3 = FloatVector.broadcast(FLOATS, weightX[3]);
      FloatVector s0 = FloatVector.broadcast(FLOATS, slopeWeightX[0]);
      FloatVector s1 = FloatVector.broadcast(FLOATS, slopeWeightX[1]);
      FloatVector s2 = FloatVector.broadcast(FLOATS, slopeWeightX[2]);
      FloatVector s3 = FloatVector.broadcast(FLOATS, slopeWeightX[3]);
      FloatVector p = FloatVector.zero(FLOATS);
      FloatVector px = FloatVector.zero(FLOATS);
      FloatVector py = FloatVector.zero(FLOATS);
      for (int j = 0; j < 16; j += 4) {
        FloatVector a = FloatVector.fromArray(FLOATS, t, from[j] + place);
        FloatVector b = FloatVector.fromArray(FLOATS, t, from[j + 1] + place);
        FloatVector c = FloatVector.fromArray(FLOATS, t, from[j + 2] + place);
        FloatVector d = FloatVector.fromArray(FLOATS, t, from[j + 3] + place);
        FloatVector along = d.fma(w3, c.fma(w2, b.fma(w1, a.mul(w0))));
        FloatVector across = d.fma(s3, c.fma(s2, b.fma(s1, a.mul(s0))));
        FloatVector down = FloatVector.broadcast(FLOATS, weightY[j >> 2]);
        p = along.fma(down, p);
        px = across.fma(down, px);
        py = along.fma(FloatVector.broadcast(FLOATS, slopeWeightY[j >> 2]), py);
      }
      // The gradient is the slopes' negative: they are those by the star's place.
      float y = row - offsetY;
      FloatVector x = PsfStamps.LANE_NUMBERS.add(column - offsetX);
      FloatVector dx = x.mul(m00).add(m01 * y);
      FloatVector dy = x.mul(m10).add(m11 * y);
      p.sub(px.mul(dx)).sub(py.mul(dy)).mul(scale).intoArray(value, at);
      px.intoArray(slopeX, at);
      py.intoArray(slopeY, at);
    }

    /** The PSF alone, as {@link #slopes} has it. */
    public void values(int column, int row, float[] value, int at) {
      float[] t = table;
      int[] from = start;
      int place = row * side + column;
      FloatVector w0 = FloatVector.broadcast(FLOATS, weightX[0]);
      FloatVector w1 = FloatVector.broadcast(FLOATS, weightX[1]);
      FloatVector w2 = FloatVector.broadcast(FLOATS, weightX[2]);
      FloatVector w3 = FloatVector.broadcast(FLOATS, weightX[3]);
      FloatVector s0 = FloatVector.broadcast(FLOATS, slopeWeightX[0]);
      FloatVector s1 = FloatVector.broadcast(FLOATS, slopeWeightX[1]);
      FloatVector s2 = FloatVector.broadcast(FLOATS, slopeWeightX[2]);
      FloatVector s3 = FloatVector.broadcast(FLOATS, slopeWeightX[3]);
      FloatVector p = FloatVector.zero(FLOATS);
      FloatVector px = FloatVector.zero(FLOATS);
      FloatVector py = FloatVector.zero(FLOATS);
      for (int j = 0; j < 16; j += 4) {
        FloatVector a = FloatVector.fromArray(FLOATS, t, from[j] + place);
        FloatVector b = FloatVector.fromArray(FLOATS, t, from[j + 1] + place);
        FloatVector c = FloatVector.fromArray(FLOATS, t, from[j + 2] + place);
        FloatVector d = FloatVector.fromArray(FLOATS, t, from[j + 3] + place);
        FloatVector along = d.fma(w3, c.fma(w2, b.fma(w1, a.mul(w0))));
        FloatVector across = d.fma(s3, c.fma(s2, b.fma(s1, a.mul(s0))));
        FloatVector down = FloatVector.broadcast(FLOATS, weightY[j >> 2]);
        p = along.fma(down, p);
        px = across.fma(down, px);
        py = along.fma(FloatVector.broadcast(FLOATS, slopeWeightY[j >> 2]), py);
      }
      // The gradient is the slopes' negative: they are those by the star's place.
      float y = row - offsetY;
      FloatVector x = PsfStamps.LANE_NUMBERS.add(column - offsetX);
      FloatVector dx = x.mul(m00).add(m01 * y);
      FloatVector dy = x.mul(m10).add(m11 * y);
      p.sub(px.mul(dx)).sub(py.mul(dy)).mul(scale).intoArray(value, at);
    }

    /**
     * Adds flux times the PSF to one vector of pixels, as {@link #slopes} has it.
     *
     * @param last the last lane that is changed; the others are written as they are
     */
    public void addTo(float[] model, int pixel, float flux, int column, int row, int last) {
      float[] t = table;
      int[] from = start;
      int place = row * side + column;
      FloatVector w0 = FloatVector.broadcast(FLOATS, weightX[0]);
      FloatVector w1 = FloatVector.broadcast(FLOATS, weightX[1]);
      FloatVector w2 = FloatVector.broadcast(FLOATS, weightX[2]);
      FloatVector w3 = FloatVector.broadcast(FLOATS, weightX[3]);
      FloatVector s0 = FloatVector.broadcast(FLOATS, slopeWeightX[0]);
      FloatVector s1 = FloatVector.broadcast(FLOATS, slopeWeightX[1]);
      FloatVector s2 = FloatVector.broadcast(FLOATS, slopeWeightX[2]);
      FloatVector s3 = FloatVector.broadcast(FLOATS, slopeWeightX[3]);
      FloatVector p = FloatVector.zero(FLOATS);
      FloatVector px = FloatVector.zero(FLOATS);
      FloatVector py = FloatVector.zero(FLOATS);
      for (int j = 0; j < 16; j += 4) {
        FloatVector a = FloatVector.fromArray(FLOATS, t, from[j] + place);
        FloatVector b = FloatVector.fromArray(FLOATS, t, from[j + 1] + place);
        FloatVector c = FloatVector.fromArray(FLOATS, t, from[j + 2] + place);
        FloatVector d = FloatVector.fromArray(FLOATS, t, from[j + 3] + place);
        FloatVector along = d.fma(w3, c.fma(w2, b.fma(w1, a.mul(w0))));
        FloatVector across = d.fma(s3, c.fma(s2, b.fma(s1, a.mul(s0))));
        FloatVector down = FloatVector.broadcast(FLOATS, weightY[j >> 2]);
        p = along.fma(down, p);
        px = across.fma(down, px);
        py = along.fma(FloatVector.broadcast(FLOATS, slopeWeightY[j >> 2]), py);
      }
      // The gradient is the slopes' negative: they are those by the star's place.
      float y = row - offsetY;
      FloatVector x = PsfStamps.LANE_NUMBERS.add(column - offsetX);
      FloatVector dx = x.mul(m00).add(m01 * y);
      FloatVector dy = x.mul(m10).add(m11 * y);
      FloatVector light = p.sub(px.mul(dx)).sub(py.mul(dy)).mul(scale * flux);
      FloatVector old = FloatVector.fromArray(FLOATS, model, pixel);
      VectorMask<Float> changed = PsfStamps.LANE_NUMBERS.compare(VectorOperators.LE, (float) last);
      old.blend(old.add(light), changed).intoArray(model, pixel);
    }
  }
}
