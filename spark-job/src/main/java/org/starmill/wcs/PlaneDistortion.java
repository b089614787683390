package org.starmill.wcs;

/**
 * A map of the plane onto itself by one polynomial per axis, and back by Newton's method with the
 * analytic Jacobian.
 */
final class PlaneDistortion {
  private static final int MOST_STEPS = 50;

  private final PlanePolynomial first;
  private final PlanePolynomial second;

  PlaneDistortion(PlanePolynomial first, PlanePolynomial second) {
    this.first = first;
    this.second = second;
  }

  /** Puts the image of (x, y) into {@code result[0]} and {@code result[1]}. */
  void apply(double x, double y, double[] result) {
    double[] f = new double[3];
    first.evaluate(x, y, f);
    double image = f[0];
    second.evaluate(x, y, f);
    result[0] = image;
    result[1] = f[0];
  }

  /**
   * Finds the point whose image is (X, Y); NaN where the steps do not settle.
   *
   * @param result in: where to begin; out: the point
   * @param tolerance length of a last step that is small enough
   */
  void invert(double imageX, double imageY, double[] result, double tolerance) {
    double x = result[0];
    double y = result[1];
    double[] f = new double[3];
    double[] g = new double[3];
    for (int step = 0; step < MOST_STEPS; step++) {
      first.evaluate(x, y, f);
      second.evaluate(x, y, g);
      double missX = f[0] - imageX;
      double missY = g[0] - imageY;
      double determinant = f[1] * g[2] - f[2] * g[1];
      double dx = (missX * g[2] - missY * f[2]) / determinant;
      double dy = (missY * f[1] - missX * g[1]) / determinant;
      x -= dx;
      y -= dy;
      double length = Math.hypot(dx, dy);
      if (!Double.isFinite(length)) {
        break;
      }
      if (length <= tolerance) {
        result[0] = x;
        result[1] = y;
        return;
      }
    }
    result[0] = Double.NaN;
    result[1] = Double.NaN;
  }
}
