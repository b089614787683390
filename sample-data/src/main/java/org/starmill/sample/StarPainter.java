package org.starmill.sample;

/**
 * Draws stars of unit flux into a stamp: the PSF integrated over each pixel.
 *
 * <p>Gauss-Legendre quadrature in both directions, 6 x 6 nodes a pixel in the core, fewer further
 * out (3 x 3 beyond two scale lengths of the Moffat, 2 x 2 beyond four, the midpoint beyond ten),
 * so that the total of a star is right to 1e-5. The PSF is normalised to infinity by its formula,
 * not over the stamp. Keeps its stamp between stars, hence not safe for threads.
 */
final class StarPainter {
  private static final double[][] NODES = new double[9][];
  private static final double[][] WEIGHTS = new double[9][];

  static {
    for (int order = 1; order < NODES.length; order++) {
      legendre(order);
    }
  }

  /**
   * Nodes and weights on the pixel from -0.5 to 0.5, by Newton's method on Legendre's recursion.
   */
  private static void legendre(int order) {
    NODES[order] = new double[order];
    WEIGHTS[order] = new double[order];
    for (int i = 0; i < order; i++) {
      double x = StrictMath.cos(Math.PI * (i + 0.75) / (order + 0.5));
      double slope = 1;
      for (int step = 0; step < 20; step++) {
        double previous = 1;
        double value = x;
        for (int n = 2; n <= order; n++) {
          double next = ((2 * n - 1) * x * value - (n - 1) * previous) / n;
          previous = value;
          value = next;
        }
        slope = order * (x * value - previous) / (x * x - 1);
        x -= value / slope;
      }
      NODES[order][i] = 0.5 * x;
      WEIGHTS[order][i] = 1 / ((1 - x * x) * slope * slope);
    }
  }

  private final StarShape shape;
  private final double faintest;
  private double[] values = new double[4096];
  private int left;
  private int bottom;
  private int columns;
  private int rows;

  // The star in work: norm * (1 + q)^-3 or norm * exp(-q / 2), q = a dx^2 + 2 b dx dy + c dy^2.
  private double norm;
  private double a;
  private double b;
  private double c;
  private double scale;
  private double size;
  private boolean isMoffat;
  private int core;

  /**
   * @param shape the PSF over the field
   * @param faintest surface brightness, electrons a pixel, below which a star is not drawn
   */
  StarPainter(StarShape shape, double faintest) {
    this.shape = shape;
    this.faintest = faintest;
  }

  /**
   * Fills the stamp with the part of a star of unit flux that lies on the image.
   *
   * @param flux electrons; it sets how far out the star is drawn
   */
  void draw(int width, int height, double x, double y, double flux) {
    prepare(x, y);
    // However faint a star is, no more than 1e-5 of it is cut: a Moffat of beta 3 has the share
    // (1 + q)^-2 beyond q, where its brightness has fallen to (1 + q)^-3 of the peak.
    double visible = flux == 0 ? 1 : faintest / (Math.abs(flux) * norm);
    double limit = Math.min(3e-8, visible);
    double reached = isMoffat ? Math.pow(limit, -1 / StarShape.BETA) - 1 : -2 * Math.log(limit);
    double reach = scale * Math.sqrt(reached) * Math.exp(0.5 * size) + 1;
    left = (int) Math.max(0, Math.ceil(x - reach));
    bottom = (int) Math.max(0, Math.ceil(y - reach));
    columns = (int) Math.min(width - 1, Math.floor(x + reach)) - left + 1;
    rows = (int) Math.min(height - 1, Math.floor(y + reach)) - bottom + 1;
    if (columns <= 0 || rows <= 0) {
      columns = 0;
      rows = 0;
      return;
    }
    if (values.length < columns * rows) {
      values = new double[columns * rows];
    }
    for (int row = 0; row < rows; row++) {
      double dy = bottom + row - y;
      for (int column = 0; column < columns; column++) {
        values[row * columns + column] = value(left + column - x, dy, reached);
      }
    }
  }

  /** A star of unit flux in a square of pixels, wherever that lies; row-major, side by side. */
  void window(double x, double y, int fromX, int fromY, int side, double[] shares) {
    prepare(x, y);
    for (int row = 0; row < side; row++) {
      for (int column = 0; column < side; column++) {
        shares[row * side + column] =
            value(fromX + column - x, fromY + row - y, Double.POSITIVE_INFINITY);
      }
    }
  }

  private void prepare(double x, double y) {
    scale = shape.scaleAt(x, y);
    double[] e = shape.ellipticityAt(x, y);
    size = Math.hypot(e[0], e[1]);
    double even = Math.cosh(size) / (scale * scale);
    double odd = (size > 0 ? Math.sinh(size) / size : 1) / (scale * scale);
    a = even - odd * e[0];
    b = -odd * e[1];
    c = even + odd * e[0];
    isMoffat = shape.kind() == PsfKind.MOFFAT;
    norm = (isMoffat ? (StarShape.BETA - 1) / Math.PI : 0.5 / Math.PI) / (scale * scale);
    core = scale < 0.8 ? 8 : scale < 2.5 ? 6 : 4;
  }

  /** Share of the flux in the pixel whose middle lies so far from the centre. */
  private double value(double dx, double dy, double reached) {
    double q = dx * (a * dx + 2 * b * dy) + c * dy * dy;
    if (q > reached) {
      return 0;
    }
    if (!isMoffat) {
      return gaussian(dx, dy, q < 9 ? core : Math.min(core, 5));
    }
    if (q > 100) {
      double t = 1 + q;
      return norm / (t * t * t);
    }
    return moffat(dx, dy, q < 4 ? core : q < 16 ? 3 : 2);
  }

  private double moffat(double dx, double dy, int order) {
    double[] node = NODES[order];
    double[] weight = WEIGHTS[order];
    double total = 0;
    for (int j = 0; j < order; j++) {
      double v = dy + node[j];
      double constant = 1 + c * v * v;
      double linear = 2 * b * v;
      double sum = 0;
      for (int i = 0; i < order; i++) {
        double u = dx + node[i];
        double t = constant + u * (linear + a * u);
        sum += weight[i] / (t * t * t);
      }
      total += weight[j] * sum;
    }
    return norm * total;
  }

  private double gaussian(double dx, double dy, int order) {
    double[] node = NODES[order];
    double[] weight = WEIGHTS[order];
    double total = 0;
    for (int j = 0; j < order; j++) {
      double v = dy + node[j];
      double sum = 0;
      for (int i = 0; i < order; i++) {
        double u = dx + node[i];
        sum += weight[i] * Math.exp(-0.5 * (u * (a * u + 2 * b * v) + c * v * v));
      }
      total += weight[j] * sum;
    }
    return norm * total;
  }

  /** Adds the star in the stamp, times its flux, to an image of the width given. */
  void addTo(double[] image, int width, double flux) {
    for (int row = 0; row < rows; row++) {
      int from = (bottom + row) * width + left;
      for (int column = 0; column < columns; column++) {
        image[from + column] += flux * values[row * columns + column];
      }
    }
  }

  int left() {
    return left;
  }

  int bottom() {
    return bottom;
  }

  int columns() {
    return columns;
  }

  int rows() {
    return rows;
  }

  /** Share of the flux in one pixel of the stamp. */
  double share(int column, int row) {
    return values[row * columns + column];
  }
}
