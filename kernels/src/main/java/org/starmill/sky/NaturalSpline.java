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
   * The spline at a place.
   *
   * @param cell number of the knot to the left of the place; the first or the last but one where it
   *     lies beyond them
   */
  float at(float place, int cell, float[] values, float[] curvatures) {
    if (knots.length == 1) {
      return values[0];
    }
    double step = knots[cell + 1] - knots[cell];
    double inside = Math.min(knots[cell + 1], Math.max(knots[cell], place));
    double b = (inside - knots[cell]) / step;
    double a = 1 - b;
    double value =
        a * values[cell]
            + b * values[cell + 1]
            + ((a * a * a - a) * curvatures[cell] + (b * b * b - b) * curvatures[cell + 1])
                * step
                * step
                / 6;
    if (inside == place) {
      return (float) value;
    }
    double slope =
        (values[cell + 1] - values[cell]) / step
            + ((1 - 3 * a * a) * curvatures[cell] + (3 * b * b - 1) * curvatures[cell + 1])
                * step
                / 6;
    return (float) (value + slope * (place - inside));
  }
}
