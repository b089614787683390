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

  private final Part[] parts;

  /** The parts of the star in work: norm * (1 + q)^-beta or norm * exp(-q / 2). */
  private static final class Part {
    private final StarShape.Part shape;

    // q = a dx^2 + 2 b dx dy + c dy^2, dx and dy from the part's own centre.
    private double a;
    private double b;
    private double c;
    private double norm;
    private double scale;
    private double stretch;
    private double asideX;
    private double asideY;

    /** Beyond this q there is nothing. */
    private double ends;

    /** Gauss-Legendre nodes a side in the core. */
    private int core;

    private Part(StarShape.Part shape) {
      this.shape = shape;
    }
  }

  /**
   * @param shape the PSF over the field
   * @param faintest surface brightness, electrons a pixel, below which a star is not drawn
   */
  StarPainter(StarShape shape, double faintest) {
    this.shape = shape;
    this.faintest = faintest;
    parts = shape.parts().stream().map(Part::new).toArray(Part[]::new);
  }

  /**
   * Fills the stamp with the part of a star of unit flux that lies on the image.
   *
   * @param flux electrons; it sets how far out the star is drawn
   */
  void draw(int width, int height, double x, double y, double flux) {
    prepare(x, y);
    double reach = 0;
    for (Part part : parts) {
      part.ends = Math.min(part.ends, visible(part, flux));
      reach =
          Math.max(
              reach,
              part.scale * Math.sqrt(part.ends) * Math.exp(0.5 * part.stretch)
                  + Math.hypot(part.asideX, part.asideY)
                  + 1);
    }
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
        values[row * columns + column] = value(left + column - x, dy);
      }
    }
  }

  /** A star of unit flux in a square of pixels, wherever that lies; row-major, side by side. */
  void window(double x, double y, int fromX, int fromY, int side, double[] shares) {
    prepare(x, y);
    for (int row = 0; row < side; row++) {
      for (int column = 0; column < side; column++) {
        shares[row * side + column] = value(fromX + column - x, fromY + row - y);
      }
    }
  }

  /**
   * The q from which on a part is too faint to be drawn. However faint a star is, no more than 1e-5
   * of it is cut: a Moffat of beta 3 has the share (1 + q)^-2 beyond q, where its brightness has
   * fallen to (1 + q)^-3 of the peak. A part that ends by itself is drawn to its end.
   */
  private double visible(Part part, double flux) {
    if (part.shape.ends() < Double.POSITIVE_INFINITY) {
      return part.ends;
    }
    double limit = Math.min(3e-8, flux == 0 ? 1 : faintest / (Math.abs(flux) * part.norm));
    return part.shape.beta() == StarShape.GAUSSIAN
        ? -2 * Math.log(limit)
        : Math.pow(limit, -1 / part.shape.beta()) - 1;
  }

  private void prepare(double x, double y) {
    double fwhm = shape.fwhmAt(x, y);
    double[] e = shape.ellipticityAt(x, y);
    double stretch = Math.hypot(e[0], e[1]);
    for (Part part : parts) {
      double beta = part.shape.beta();
      double scale = part.shape.scale(fwhm);
      double even = Math.cosh(stretch) / (scale * scale);
      double odd = (stretch > 0 ? Math.sinh(stretch) / stretch : 1) / (scale * scale);
      part.a = even - odd * e[0];
      part.b = -odd * e[1];
      part.c = even + odd * e[0];
      part.scale = scale;
      part.stretch = stretch;
      part.asideX = part.shape.asideX() * fwhm;
      part.asideY = part.shape.asideY() * fwhm;
      part.ends = Math.pow(part.shape.ends() * fwhm / scale, 2);
      boolean gaussian = beta == StarShape.GAUSSIAN;
      part.norm = (gaussian ? 0.5 / Math.PI : (beta - 1) / Math.PI) / (scale * scale);
      if (part.ends < Double.POSITIVE_INFINITY) {
        part.norm /=
            gaussian ? -Math.expm1(-0.5 * part.ends) : 1 - Math.pow(1 + part.ends, 1 - beta);
      }
      part.norm *= part.shape.share();
      part.core = scale < 0.8 ? 8 : scale < 2.5 ? 6 : 4;
    }
  }

  /** Share of the flux in the pixel whose middle lies so far from the star's centre. */
  private double value(double dx, double dy) {
    double total = 0;
    for (Part part : parts) {
      total += value(part, dx - part.asideX, dy - part.asideY);
    }
    return total;
  }

  private static double value(Part part, double dx, double dy) {
    double q = dx * (part.a * dx + 2 * part.b * dy) + part.c * dy * dy;
    if (q > part.ends) {
      return 0;
    }
    double beta = part.shape.beta();
    if (beta == StarShape.GAUSSIAN) {
      return gaussian(part, dx, dy, q < 9 ? part.core : Math.min(part.core, 5));
    }
    if (q > 100) {
      return part.norm * falloff(1 + q, beta);
    }
    return moffat(part, dx, dy, q < 4 ? part.core : q < 16 ? 3 : 2);
  }

  /** t^-beta, without the power function for the betas that there are. */
  private static double falloff(double t, double beta) {
    if (beta == 3) {
      return 1 / (t * t * t);
    }
    if (beta == 3.5) {
      return 1 / (t * t * t * Math.sqrt(t));
    }
    if (beta == 2.25) {
      return 1 / (t * t * Math.sqrt(Math.sqrt(t)));
    }
    return Math.pow(t, -beta);
  }

  private static double moffat(Part part, double dx, double dy, int order) {
    double[] node = NODES[order];
    double[] weight = WEIGHTS[order];
    double beta = part.shape.beta();
    double total = 0;
    for (int j = 0; j < order; j++) {
      double v = dy + node[j];
      double constant = 1 + part.c * v * v;
      double linear = 2 * part.b * v;
      double sum = 0;
      for (int i = 0; i < order; i++) {
        double u = dx + node[i];
        sum += weight[i] * falloff(constant + u * (linear + part.a * u), beta);
      }
      total += weight[j] * sum;
    }
    return part.norm * total;
  }

  private static double gaussian(Part part, double dx, double dy, int order) {
    double[] node = NODES[order];
    double[] weight = WEIGHTS[order];
    double total = 0;
    for (int j = 0; j < order; j++) {
      double v = dy + node[j];
      double sum = 0;
      for (int i = 0; i < order; i++) {
        double u = dx + node[i];
        sum += weight[i] * Math.exp(-0.5 * (u * (part.a * u + 2 * part.b * v) + part.c * v * v));
      }
      total += weight[j] * sum;
    }
    return part.norm * total;
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
