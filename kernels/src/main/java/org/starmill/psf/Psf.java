package org.starmill.psf;

/**
 * The PSF of an image: an elliptical Moffat or Gaussian whose shape varies over the field.
 *
 * <p>Four quantities describe the shape: the logarithm of the FWHM (pixels, geometric mean over the
 * ellipse), two components of ellipticity e1, e2 and Moffat's beta. Each is a polynomial of its own
 * order in u = 2 x / (width - 1) - 1 and v = 2 y / (height - 1) - 1, with the terms 1, u, v, uu,
 * uv, vv, and so on by total order. With e^2 = e1^2 + e2^2, E = (1 - e^2)^(-1/2) and s = 4
 * (2^(1/beta) - 1) / FWHM^2 (Moffat) or 8 ln 2 / FWHM^2 (Gaussian) the form of {@link PsfKernel} is
 * A = s E (1 + e1), B = 2 s E e2, C = s E (1 - e1): the ellipse's area does not depend on e. A grid
 * of residuals may add what no such profile describes; its sum over the plane is 0. Immutable.
 */
public final class Psf {
  /** Positions of the four quantities in {@link #shapeAt} and in the coefficients. */
  static final int LOG_FWHM = 0;

  static final int E1 = 1;
  static final int E2 = 2;
  static final int BETA = 3;

  private static final double LN2 = Math.log(2);

  private final PsfModel model;
  private final int width;
  private final int height;
  private final double[][] polynomials;

  /** Null for none. */
  private final PsfResidual residual;

  /** At the centre of the image. */
  private final double fwhm;

  /**
   * Makes a PSF of given polynomials.
   *
   * @param model profile
   * @param width columns of the image that u runs over
   * @param height rows of the image that v runs over
   * @param polynomials coefficients of ln FWHM, e1, e2, beta; of 1, 3, 6, 10, ... terms each
   */
  public Psf(PsfModel model, int width, int height, double[][] polynomials) {
    this(model, width, height, polynomials, null);
  }

  private Psf(PsfModel model, int width, int height, double[][] polynomials, PsfResidual residual) {
    this.residual = residual;
    this.model = model;
    this.width = width;
    this.height = height;
    this.polynomials = new double[4][];
    for (int i = 0; i < 4; i++) {
      this.polynomials[i] = polynomials[i].clone();
      order(polynomials[i].length);
    }
    this.fwhm = fwhmAt((width - 1) / 2.0, (height - 1) / 2.0);
  }

  /** The same with another grid of residuals, null for none. */
  Psf with(PsfResidual other) {
    return new Psf(model, width, height, polynomials, other);
  }

  /** The same with other polynomials. */
  Psf with(double[][] others) {
    return new Psf(model, width, height, others, residual);
  }

  /** The grid of residuals, null where there is none. */
  PsfResidual residual() {
    return residual;
  }

  /** What the profile is multiplied by for the light of the residuals. */
  double scaleAt(double x, double y) {
    return residual == null ? 1 : residual.scaleAt(this, x, y);
  }

  /** Whether a grid of residuals adds to the analytic profile. */
  public boolean hasResidual() {
    return residual != null;
  }

  /** A round PSF, the same over the whole field; beta is of no meaning for a Gaussian. */
  public static Psf round(PsfModel model, int width, int height, double fwhm, double beta) {
    return new Psf(model, width, height, new double[][] {{Math.log(fwhm)}, {0}, {0}, {beta}});
  }

  /** Number of terms of a polynomial in two variables of the given total order. */
  static int terms(int order) {
    return (order + 1) * (order + 2) / 2;
  }

  /** Total order of a polynomial of that many terms. */
  static int order(int terms) {
    int order = 0;
    while (terms(order) < terms) {
      order++;
    }
    if (terms(order) != terms) {
      throw new IllegalArgumentException(
          "%d coefficients: expected 1, 3, 6, 10, 15 or as many as a higher order has"
              .formatted(terms));
    }
    return order;
  }

  /** Whether the shape differs from place to place. */
  public boolean varies() {
    for (double[] polynomial : polynomials) {
      if (polynomial.length > 1) {
        return true;
      }
    }
    return residual != null && residual.terms() > 1;
  }

  /** The analytic profile. */
  public PsfModel model() {
    return model;
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /** A copy of the polynomials' coefficients. */
  double[][] polynomials() {
    double[][] copy = new double[4][];
    for (int i = 0; i < 4; i++) {
      copy[i] = polynomials[i].clone();
    }
    return copy;
  }

  /** All coefficients in one array, ln FWHM first, then e1, e2 and, for a Moffat, beta. */
  public double[] coefficients() {
    int parts = model == PsfModel.MOFFAT ? 4 : 3;
    int length = 0;
    for (int i = 0; i < parts; i++) {
      length += polynomials[i].length;
    }
    double[] all = new double[length];
    int at = 0;
    for (int i = 0; i < parts; i++) {
      System.arraycopy(polynomials[i], 0, all, at, polynomials[i].length);
      at += polynomials[i].length;
    }
    return all;
  }

  /** Values of the polynomials' terms at a position, into {@code out}. */
  void basis(double x, double y, int order, double[] out) {
    double u = u(x);
    double v = v(y);
    out[0] = 1;
    int at = 1;
    for (int total = 1; total <= order; total++) {
      // Each term from one of the order below, whose first stands at at - total.
      out[at] = u * out[at - total];
      for (int j = 1; j <= total; j++) {
        out[at + j] = v * out[at + j - total - 1];
      }
      at += total + 1;
    }
  }

  /** Stars beyond the frame get the shape of its edge: a polynomial is not to be trusted there. */
  private double u(double x) {
    return width > 1 ? Math.max(-1, Math.min(1, 2 * x / (width - 1) - 1)) : 0;
  }

  private double v(double y) {
    return height > 1 ? Math.max(-1, Math.min(1, 2 * y / (height - 1) - 1)) : 0;
  }

  /** A polynomial's value, order by order, each by Horner's rule along u. */
  private static double valueAt(double[] polynomial, double u, double v) {
    double value = 0;
    int at = 0;
    for (int total = 0; at < polynomial.length; total++) {
      double part = polynomial[at++];
      double power = 1;
      for (int j = 1; j <= total; j++) {
        power *= v;
        part = part * u + polynomial[at++] * power;
      }
      value += part;
    }
    return value;
  }

  private double[] shapeAt(double x, double y) {
    double u = u(x);
    double v = v(y);
    double[] shape = new double[4];
    for (int i = 0; i < 4; i++) {
      shape[i] = valueAt(polynomials[i], u, v);
    }
    double e = Math.hypot(shape[E1], shape[E2]);
    if (e > 0.9) {
      shape[E1] *= 0.9 / e;
      shape[E2] *= 0.9 / e;
    }
    shape[BETA] = Math.max(1.1, shape[BETA]);
    return shape;
  }

  private double inverseSquareScale(double[] shape) {
    double fwhm = Math.exp(shape[LOG_FWHM]);
    return model == PsfModel.MOFFAT
        ? 4 * (Math.pow(2, 1 / shape[BETA]) - 1) / (fwhm * fwhm)
        : 8 * LN2 / (fwhm * fwhm);
  }

  /**
   * Writes the form of a star at a position: A, B, C, beta, the norm and its residual table, as
   * {@link PsfKernel} says.
   *
   * @param out takes {@link PsfKernel#FORM} numbers from {@code at} on
   */
  public void formAt(double x, double y, float[] out, int at) {
    double[] shape = shapeAt(x, y);
    double s = inverseSquareScale(shape);
    double e1 = shape[E1];
    double e2 = shape[E2];
    double stretch = 1 / Math.sqrt(1 - e1 * e1 - e2 * e2);
    out[at] = (float) (s * stretch * (1 + e1));
    out[at + 1] = (float) (2 * s * stretch * e2);
    out[at + 2] = (float) (s * stretch * (1 - e1));
    out[at + 3] = (float) shape[BETA];
    out[at + 4] =
        (float) (model == PsfModel.MOFFAT ? (shape[BETA] - 1) * s / Math.PI : s / (2 * Math.PI));
    if (residual != null) {
      out[at + 4] *= (float) residual.scaleAt(this, x, y);
    }
    out[at + 5] = residual == null ? 0f : residual.tableAt(this, x, y);
  }

  /**
   * Derivatives of the form (A, B, C, beta: rows) by the shape (ln FWHM, e1, e2, beta: columns) at
   * a position.
   */
  double[][] formByShape(double x, double y) {
    double[] shape = shapeAt(x, y);
    double s = inverseSquareScale(shape);
    double e1 = shape[E1];
    double e2 = shape[E2];
    double stretch2 = 1 / (1 - e1 * e1 - e2 * e2);
    double se = s * Math.sqrt(stretch2);
    double a = se * (1 + e1);
    double b = 2 * se * e2;
    double c = se * (1 - e1);
    double byBeta = 0;
    if (model == PsfModel.MOFFAT) {
      double root = Math.pow(2, 1 / shape[BETA]);
      byBeta = -LN2 / (shape[BETA] * shape[BETA]) * root / (root - 1);
    }
    return new double[][] {
      {-2 * a, se + a * e1 * stretch2, a * e2 * stretch2, a * byBeta},
      {-2 * b, b * e1 * stretch2, 2 * se + b * e2 * stretch2, b * byBeta},
      {-2 * c, -se + c * e1 * stretch2, c * e2 * stretch2, c * byBeta},
      {0, 0, 0, 1}
    };
  }

  /**
   * The PSF at a position, integrated over the pixels of a square whose middle pixel the star is
   * centred on: (2 radius + 1) squared values, row-major.
   */
  public float[] stampAt(double x, double y, int radius) {
    return PsfStampKernel.draw(this, x, y, radius);
  }

  /** FWHM at a position, pixels, geometric mean of the ellipse's axes. */
  public double fwhmAt(double x, double y) {
    return Math.exp(shapeAt(x, y)[LOG_FWHM]);
  }

  /** 1 - minor/major axis at a position. */
  public double ellipticityAt(double x, double y) {
    double[] shape = shapeAt(x, y);
    double e = Math.hypot(shape[E1], shape[E2]);
    return 1 - Math.sqrt((1 - e) / (1 + e));
  }

  /** The constant term of beta's polynomial, which means nothing for a Gaussian. */
  double beta() {
    return polynomials[BETA][0];
  }

  /** Moffat's beta at a position; NaN for a Gaussian. */
  public double betaAt(double x, double y) {
    return model == PsfModel.MOFFAT ? shapeAt(x, y)[BETA] : Double.NaN;
  }

  /** FWHM at the centre of the image, pixels. */
  public double fwhm() {
    return fwhm;
  }
}
