package org.starmill.wcs;

/**
 * A polynomial of two variables with odd powers of the radius, and its analytic derivatives.
 *
 * <p>f(x, y) = sum c[i][j] x^i y^j + sum d[k] r^(2k+1), r = sqrt(x^2 + y^2): the form of a SIP and
 * of a TPV distortion along one axis.
 */
final class PlanePolynomial {
  private final double[][] powers;
  private final double[] radial;
  private final boolean hasRadial;

  /** Of the coefficients c[i][j], each row as long as needed, and d[k]. */
  PlanePolynomial(double[][] powers, double... radial) {
    this.powers = powers;
    this.radial = radial;
    boolean any = false;
    for (double d : radial) {
      any |= d != 0;
    }
    this.hasRadial = any;
  }

  /** Puts f, df/dx and df/dy at (x, y) into the first three places of {@code result}. */
  void evaluate(double x, double y, double[] result) {
    double f = 0;
    double fx = 0;
    double fy = 0;
    for (int i = powers.length - 1; i >= 0; i--) {
      double[] row = powers[i];
      double g = 0;
      double gy = 0;
      for (int j = row.length - 1; j >= 0; j--) {
        gy = gy * y + g;
        g = g * y + row[j];
      }
      fx = fx * x + f;
      f = f * x + g;
      fy = fy * x + gy;
    }
    double r = hasRadial ? Math.hypot(x, y) : 0;
    if (r > 0) {
      double power = r; // r^(2k+1)
      for (int k = 0; k < radial.length; k++) {
        f += radial[k] * power;
        double slope = radial[k] * (2 * k + 1) * power / (r * r);
        fx += slope * x;
        fy += slope * y;
        power *= r * r;
      }
    }
    result[0] = f;
    result[1] = fx;
    result[2] = fy;
  }
}
