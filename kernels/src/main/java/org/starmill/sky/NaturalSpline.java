package org.starmill.sky;

/**
 * A natural cubic spline on given knots: its second derivative is 0 at both ends.
 *
 * <p>Solves the tridiagonal equations of the second derivatives (de Boor 1978) by elimination,
 * whose factors depend on the knots alone and are kept. Beyond the ends the spline is a straight
 * line.
 */
final class NaturalSpline {
  private final float[] knots;
  private final double[] factor;
  private final double[] diagonal;

  NaturalSpline(float[] knots) {
    this.knots = knots;
    int n = knots.length;
    factor = new double[n];
    diagonal = new double[n];
    for (int i = 1; i < n - 1; i++) {
      diagonal[i] = (knots[i + 1] - knots[i - 1]) / 3.0;
      if (i > 1) {
        double beside = (knots[i] - knots[i - 1]) / 6.0;
        factor[i] = beside / diagonal[i - 1];
        diagonal[i] -= factor[i] * beside;
      }
    }
  }

  /** The second derivatives at the knots of the spline through the values. */
  void curvatures(float[] values, float[] into) {
    int n = knots.length;
    double[] right = new double[n];
    for (int i = 1; i < n - 1; i++) {
      right[i] =
          (values[i + 1] - values[i]) / (double) (knots[i + 1] - knots[i])
              - (values[i] - values[i - 1]) / (double) (knots[i] - knots[i - 1])
              - factor[i] * right[i - 1];
    }
    into[0] = 0;
    into[n - 1] = 0;
    for (int i = n - 2; i > 0; i--) {
      double beside = (knots[i + 1] - knots[i]) / 6.0;
      into[i] = (float) ((right[i] - beside * into[i + 1]) / diagonal[i]);
    }
  }

  /**
   * What the spline at a place is made of: it is the sum of the values and of the second
   * derivatives at the knots to the left and right of it with these four weights, in the order left
   * value, right value, left derivative, right derivative.
   *
   * @param cell number of the knot to the left of the place; the first or the last but one where it
   *     lies beyond them
   */
  void weights(float place, int cell, float[] into, int at) {
    if (knots.length == 1) {
      into[at] = 1;
      into[at + 1] = 0;
      into[at + 2] = 0;
      into[at + 3] = 0;
      return;
    }
    double step = knots[cell + 1] - knots[cell];
    double inside = Math.min(knots[cell + 1], Math.max(knots[cell], place));
    double beyond = place - inside;
    double b = (inside - knots[cell]) / step;
    double a = 1 - b;
    into[at] = (float) (a - beyond / step);
    into[at + 1] = (float) (b + beyond / step);
    into[at + 2] = (float) (((a * a * a - a) * step + (1 - 3 * a * a) * beyond) * step / 6);
    into[at + 3] = (float) (((b * b * b - b) * step + (3 * b * b - 1) * beyond) * step / 6);
  }
}
