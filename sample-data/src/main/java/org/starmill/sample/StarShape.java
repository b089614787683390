package org.starmill.sample;

import java.util.List;

/**
 * The PSF over the field: FWHM and ellipticity as quadratic polynomials of the position.
 *
 * <p>The squared elliptical radius is q = (a dx^2 + 2 b dx dy + c dy^2) / scale^2, where the matrix
 * (a b; b c) is the exponential of a traceless one, so that a star's area, and with it its peak,
 * does not depend on its ellipticity. A star is the sum of one part or two of such radii. The scale
 * is that of Moffat (FWHM = 2 scale sqrt(2^(1/beta) - 1)) or the Gaussian's sigma (FWHM = 2 sigma
 * sqrt(2 ln 2)).
 */
final class StarShape {
  /** A beta that stands for the Gaussian. */
  static final double GAUSSIAN = Double.POSITIVE_INFINITY;

  /** Where the PSF with coma ends, in FWHM: its wings would be endless. */
  private static final double COMA_ENDS = 15;

  /** What makes the sum of both parts as wide as is asked for. */
  private static final double COMA_WIDTH = 1 / 1.027;

  /**
   * One of the profiles that a star is the sum of.
   *
   * @param share of the light
   * @param beta of a Moffat, or {@link #GAUSSIAN}
   * @param width its FWHM, in that of the star
   * @param asideX how far its centre lies beside the star's, in FWHM of the star
   * @param asideY the same along y
   * @param ends where it is cut off, in FWHM of the star; infinite where it is not
   */
  record Part(double share, double beta, double width, double asideX, double asideY, double ends) {

    /** Moffat's scale or the Gaussian's sigma for a star of the FWHM. */
    double scale(double fwhm) {
      return beta == GAUSSIAN
          ? width * fwhm / (2 * Math.sqrt(2 * Math.log(2)))
          : width * fwhm / (2 * Math.sqrt(Math.pow(2, 1 / beta) - 1));
    }
  }

  private static final double AWAY = 0.125 * Math.sqrt(0.5);

  private static List<Part> parts(PsfKind kind) {
    double endless = Double.POSITIVE_INFINITY;
    return switch (kind) {
      case GAUSSIAN -> List.of(new Part(1, GAUSSIAN, 1, 0, 0, endless));
      case MOFFAT -> List.of(new Part(1, 3, 1, 0, 0, endless));
      case COMA ->
          List.of(
              new Part(0.8, 3.5, COMA_WIDTH, -0.2 * AWAY, -0.2 * AWAY, COMA_ENDS),
              new Part(0.2, 2.25, 2 * COMA_WIDTH, 0.8 * AWAY, 0.8 * AWAY, COMA_ENDS));
    };
  }

  private final List<Part> parts;
  private final double fwhm;
  private final double[] width;
  private final double[] stretch;
  private final double[] shear;
  private final double middleX;
  private final double middleY;
  private final double half;

  StarShape(CameraSettings settings, long seed) {
    CameraSettings.Psf psf = settings.psf();
    parts = parts(psf.kind());
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

  List<Part> parts() {
    return parts;
  }

  double fwhmAt(double x, double y) {
    return fwhm * (1 + at(width, x, y));
  }

  /** Two components of the ellipticity: along the axes and along the diagonals. */
  double[] ellipticityAt(double x, double y) {
    return new double[] {at(stretch, x, y), at(shear, x, y)};
  }
}
