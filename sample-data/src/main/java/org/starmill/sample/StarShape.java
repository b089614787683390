package org.starmill.sample;

/**
 * The PSF over the field: FWHM and ellipticity as quadratic polynomials of the position.
 *
 * <p>The squared elliptical radius is q = (a dx^2 + 2 b dx dy + c dy^2) / scale^2, where the matrix
 * (a b; b c) is the exponential of a traceless one, so that a star's area, and with it its peak,
 * does not depend on its ellipticity. The scale is that of Moffat (FWHM = 2 scale sqrt(2^(1/beta) -
 * 1)) or the Gaussian's sigma (FWHM = 2 sigma sqrt(2 ln 2)).
 */
final class StarShape {
  static final double BETA = 3;

  private final PsfKind kind;
  private final double fwhm;
  private final double[] width;
  private final double[] stretch;
  private final double[] shear;
  private final double middleX;
  private final double middleY;
  private final double half;

  StarShape(CameraSettings settings, long seed) {
    CameraSettings.Psf psf = settings.psf();
    kind = psf.kind();
    fwhm = psf.fwhm();
    middleX = 0.5 * (settings.chip().width() - 1);
    middleY = 0.5 * (settings.chip().height() - 1);
    half = 0.5 * Math.max(settings.chip().width(), settings.chip().height());
    Dice dice = new Dice(seed, Purpose.SHAPE.ordinal());
    width = polynomial(dice, psf.fwhmVariation());
    stretch = polynomial(dice, psf.ellipticity() / 1.5);
    shear = polynomial(dice, psf.ellipticity() / 1.5);
  }

  /** Coefficients of 1, u, v, u^2, uv, v^2 whose sum stays near the size given. */
  private static double[] polynomial(Dice dice, double size) {
    double[] share = {0.15, 0.5, 0.5, 0.35, 0.25, 0.35};
    double[] coefficients = new double[share.length];
    for (int i = 0; i < share.length; i++) {
      double magnitude = share[i] * dice.uniform(0.6, 1.0);
      coefficients[i] = size * (dice.uniform() < 0.5 ? -magnitude : magnitude);
    }
    return coefficients;
  }

  private double at(double[] c, double x, double y) {
    double u = (x - middleX) / half;
    double v = (y - middleY) / half;
    return c[0] + u * (c[1] + c[3] * u + c[4] * v) + v * (c[2] + c[5] * v);
  }

  PsfKind kind() {
    return kind;
  }

  double fwhmAt(double x, double y) {
    return fwhm * (1 + at(width, x, y));
  }

  /** Two components of the ellipticity: along the axes and along the diagonals. */
  double[] ellipticityAt(double x, double y) {
    return new double[] {at(stretch, x, y), at(shear, x, y)};
  }

  /** Moffat's scale or the Gaussian's sigma, pixels. */
  double scaleAt(double x, double y) {
    return kind == PsfKind.MOFFAT
        ? fwhmAt(x, y) / (2 * Math.sqrt(Math.pow(2, 1 / BETA) - 1))
        : fwhmAt(x, y) / (2 * Math.sqrt(2 * Math.log(2)));
  }
}
