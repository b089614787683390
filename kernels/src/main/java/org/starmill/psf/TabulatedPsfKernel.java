package org.starmill.psf;

/**
 * Takes the PSF over a row of pixels from a {@link PsfTable}: the arithmetic that the kernels that
 * fit, draw and judge stars share.
 *
 * <p>A star is taken once ({@link #take}), which leaves the spline's weights at its phase, and
 * where the images of the table start, in two small arrays; then {@link #slopes} evaluates {@link
 * #LANES} pixels of a row at a time. Loops of that fixed length over arrays that are the item's own
 * are what a compiler of OpenCL for a CPU makes vectors of: it neither reorders sums of floats, nor
 * vectors of arrays that might overlap. So sums over a stamp are kept {@link #LANES} times and
 * added up at the end. The names of such arrays end as Aparapi wants it of what is private to an
 * item.
 */
public abstract class TabulatedPsfKernel extends PsfKernel {
  /** Pixels that are evaluated together. */
  protected static final int LANES = 16;

  /** Numbers that stand for a star: spline weights and slopes by x and y, the map, its place. */
  protected static final int WEIGHTS = 23;

  /** Where the four rows, and the four columns, of images start. */
  protected static final int STARTS = 8;

  private static final int MAP = 16;
  private static final int SCALE = 20;
  private static final int OFFSET = 21;

  /** The coefficients of all cells, and the form in the middle of each. */
  protected float[] spline = new float[1];

  protected float[] cellForm = new float[1];

  /** Floats of a cell; floats of one of its images and of a row of that; where its middle is. */
  protected int cellSize;

  protected int imageSize;
  protected int imageSide;
  protected int imageMiddle;

  /** Grid points a pixel, a power of 2, and the logarithm of that. */
  protected int points = 1;

  protected int pointShift;

  /** Cells along the sides of the field, and how many there are to a pixel. */
  protected int cellColumns = 1;

  protected int cellRows = 1;
  protected float cellsAlong;
  protected float cellsDown;

  /** Half side of the largest stamp that the table holds. */
  protected int tableRadius;

  private PsfTable table;

  /** Takes the table of the PSF that the kernel is configured for. */
  public final void tabulate(PsfTable table) {
    this.table = table;
    table.giveTo(this);
  }

  /** Says that the table is the one of the last run, if that is so: no table ever changes. */
  public final void keepTable() {
    unchanged(spline, cellForm);
  }

  /** The table that was taken last. */
  public final PsfTable table() {
    return table;
  }

  /** The cell of the table for a star at a pixel. */
  protected int cell(int column, int row) {
    int i = (int) max(0f, min(cellColumns - 1f, (column + 0.5f) * cellsAlong));
    int j = (int) max(0f, min(cellRows - 1f, (row + 0.5f) * cellsDown));
    return j * cellColumns + i;
  }

  /**
   * Takes a star.
   *
   * @param cell of the table: its own or, where both have to agree, a neighbour's
   * @param a the star's form, as b, c and norm
   * @param x centre of the star less that of the pixel at the stamp's middle; y alike
   * @param weights_$private$ out: {@link #WEIGHTS} numbers
   * @param starts_$private$ out: {@link #STARTS} numbers
   */
  protected void take(
      int cell,
      float a,
      float b,
      float c,
      float norm,
      float x,
      float y,
      float[] weights_$private$,
      int[] starts_$private$) {
    int f = cell * FORM;
    float a0 = cellForm[f];
    float b0 = 0.5f * cellForm[f + 1];
    float c0 = cellForm[f + 2];
    float da = a - a0;
    float db = 0.5f * b - b0;
    float dc = c - c0;
    float inverse = 0.5f / (a0 * c0 - b0 * b0);
    weights_$private$[MAP] = inverse * (c0 * da - b0 * db);
    weights_$private$[MAP + 1] = inverse * (c0 * db - b0 * dc);
    weights_$private$[MAP + 2] = inverse * (a0 * db - b0 * da);
    weights_$private$[MAP + 3] = inverse * (a0 * dc - b0 * db);
    weights_$private$[SCALE] = norm / cellForm[f + 4];
    weights_$private$[OFFSET] = x;
    weights_$private$[OFFSET + 1] = y;
    float left = floor(-points * x);
    float top = floor(-points * y);
    phase(-points * x - left, 0, weights_$private$);
    phase(-points * y - top, 8, weights_$private$);
    for (int k = 0; k < 4; k++) {
      int row = (int) top - 1 + k;
      int column = (int) left - 1 + k;
      // Shift and mask are the floor of the quotient and the rest.
      starts_$private$[k] =
          cell * cellSize
              + (row & (points - 1)) * points * imageSize
              + (row >> pointShift) * imageSide
              + imageMiddle;
      starts_$private$[4 + k] = (column & (points - 1)) * imageSize + (column >> pointShift);
    }
  }

  /** Cubic B-spline weights of the four points about the star, and their slopes by its place. */
  private void phase(float t, int at, float[] weights_$private$) {
    float r = 1f - t;
    float sixth = 1f / 6f;
    weights_$private$[at] = sixth * r * r * r;
    weights_$private$[at + 1] = sixth * (4f + t * t * (3f * t - 6f));
    weights_$private$[at + 2] = sixth * (4f + r * r * (3f * r - 6f));
    weights_$private$[at + 3] = sixth * t * t * t;
    weights_$private$[at + 4] = points * 0.5f * r * r;
    weights_$private$[at + 5] = points * (2f * t - 1.5f * t * t);
    weights_$private$[at + 6] = -points * (2f * r - 1.5f * r * r);
    weights_$private$[at + 7] = -points * 0.5f * t * t;
  }

  /** A row of images at one point, by the four weights of its columns. */
  private float along(
      int at, int k0, int k1, int k2, int k3, float w0, float w1, float w2, float w3) {
    return w0 * spline[at + k0]
        + w1 * spline[at + k1]
        + w2 * spline[at + k2]
        + w3 * spline[at + k3];
  }

  /**
   * The PSF and its slopes by the star's x and y over {@link #LANES} pixels of a row.
   *
   * @param column first pixel, relative to the stamp's middle
   * @param row relative to the stamp's middle; neither further than the table's radius
   * @param value_$private$ out, as the two slopes; right of the table of no meaning
   */
  protected void slopes(
      int column,
      int row,
      float[] weights_$private$,
      int[] starts_$private$,
      float[] value_$private$,
      float[] slopeX_$private$,
      float[] slopeY_$private$) {
    int place = row * imageSide + column;
    int r0 = starts_$private$[0] + place;
    int r1 = starts_$private$[1] + place;
    int r2 = starts_$private$[2] + place;
    int r3 = starts_$private$[3] + place;
    int k0 = starts_$private$[4];
    int k1 = starts_$private$[5];
    int k2 = starts_$private$[6];
    int k3 = starts_$private$[7];
    float w0 = weights_$private$[0];
    float w1 = weights_$private$[1];
    float w2 = weights_$private$[2];
    float w3 = weights_$private$[3];
    float s0 = weights_$private$[4];
    float s1 = weights_$private$[5];
    float s2 = weights_$private$[6];
    float s3 = weights_$private$[7];
    float v0 = weights_$private$[8];
    float v1 = weights_$private$[9];
    float v2 = weights_$private$[10];
    float v3 = weights_$private$[11];
    float u0 = weights_$private$[12];
    float u1 = weights_$private$[13];
    float u2 = weights_$private$[14];
    float u3 = weights_$private$[15];
    float m00 = weights_$private$[MAP];
    float m01 = weights_$private$[MAP + 1];
    float m10 = weights_$private$[MAP + 2];
    float m11 = weights_$private$[MAP + 3];
    float scale = weights_$private$[SCALE];
    float left = column - weights_$private$[OFFSET];
    float y = row - weights_$private$[OFFSET + 1];
    // Arrays of this method's own: those handed in might, for all a compiler knows, overlap.
    float[] p = new float[LANES];
    float[] jx = new float[LANES];
    float[] jy = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      float a0 = along(r0 + lane, k0, k1, k2, k3, w0, w1, w2, w3);
      float a1 = along(r1 + lane, k0, k1, k2, k3, w0, w1, w2, w3);
      float a2 = along(r2 + lane, k0, k1, k2, k3, w0, w1, w2, w3);
      float a3 = along(r3 + lane, k0, k1, k2, k3, w0, w1, w2, w3);
      float b0 = along(r0 + lane, k0, k1, k2, k3, s0, s1, s2, s3);
      float b1 = along(r1 + lane, k0, k1, k2, k3, s0, s1, s2, s3);
      float b2 = along(r2 + lane, k0, k1, k2, k3, s0, s1, s2, s3);
      float b3 = along(r3 + lane, k0, k1, k2, k3, s0, s1, s2, s3);
      float sum = v0 * a0 + v1 * a1 + v2 * a2 + v3 * a3;
      float px = v0 * b0 + v1 * b1 + v2 * b2 + v3 * b3;
      float py = u0 * a0 + u1 * a1 + u2 * a2 + u3 * a3;
      // The gradient is the slopes' negative: they are those by the star's place.
      float x = left + lane;
      p[lane] = (sum - px * (m00 * x + m01 * y) - py * (m10 * x + m11 * y)) * scale;
      jx[lane] = px;
      jy[lane] = py;
    }
    for (int lane = 0; lane < LANES; lane++) {
      value_$private$[lane] = p[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      slopeX_$private$[lane] = jx[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      slopeY_$private$[lane] = jy[lane];
    }
  }

  /** The sum over all lanes of one of the numbers that are kept by lane. */
  protected float total(int number, float[] sums_$private$) {
    float sum = 0f;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums_$private$[number * LANES + lane];
    }
    return sum;
  }
}
