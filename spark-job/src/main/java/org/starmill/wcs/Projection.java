package org.starmill.wcs;

/**
 * A zenithal projection between the plane and native spherical coordinates.
 *
 * <p>Plane coordinates are in degrees; native ones are a unit vector whose third axis points to the
 * fiducial point (Calabretta and Greisen 2002, A&amp;A 395, 1077, section 5.1).
 */
sealed interface Projection {
  double DEGREE = Math.PI / 180;

  /** Puts the unit vector of a point of the plane into {@code native}; NaN where there is none. */
  void toSphere(double x, double y, double[] result);

  /** Puts the point of the plane into {@code result[0..1]}; NaN where there is none. */
  void toPlane(double nx, double ny, double nz, double[] result);

  /** Gnomonic: R = 180/pi cot(theta) (their equations 54 and 55). */
  record Tangent() implements Projection {
    @Override
    public void toSphere(double x, double y, double[] result) {
      double px = x * DEGREE;
      double py = y * DEGREE;
      double length = Math.sqrt(px * px + py * py + 1);
      result[0] = -py / length;
      result[1] = px / length;
      result[2] = 1 / length;
    }

    @Override
    public void toPlane(double nx, double ny, double nz, double[] result) {
      if (nz <= 0) {
        result[0] = Double.NaN;
        result[1] = Double.NaN;
      } else {
        result[0] = ny / nz / DEGREE;
        result[1] = -nx / nz / DEGREE;
      }
    }
  }

  /**
   * Zenithal polynomial: R = 180/pi sum P_m z^m with z = pi/2 - theta (their equation 60), up to
   * the distance where R stops growing.
   */
  final class ZenithalPolynomial implements Projection {
    private final double[] coefficients;
    private final double farthest;
    private final double largest;

    /**
     * Of the coefficients P_0, P_1, ...
     *
     * @throws WcsException if R does not grow with the distance from the centre
     */
    ZenithalPolynomial(double[] coefficients) {
      this.coefficients = coefficients.clone();
      double reach = 0;
      double step = Math.PI / 1800;
      while (reach < Math.PI && derivative(reach + step) > 0) {
        reach = Math.min(reach + step, Math.PI);
      }
      if (reach == 0) {
        throw new WcsException(
            "PVi_m of ZPN: the radius does not grow with the distance from the centre, expected a"
                + " positive PVi_1 on the axis of declination");
      }
      if (reach < Math.PI) { // the turning point lies within one step
        double low = reach;
        double high = reach + step;
        for (int i = 0; i < 60; i++) {
          double middle = (low + high) / 2;
          if (derivative(middle) > 0) {
            low = middle;
          } else {
            high = middle;
          }
        }
        reach = low;
      }
      this.farthest = reach;
      this.largest = radius(reach);
    }

    double radius(double z) {
      double sum = 0;
      for (int m = coefficients.length - 1; m >= 0; m--) {
        sum = sum * z + coefficients[m];
      }
      return sum;
    }

    double derivative(double z) {
      double sum = 0;
      for (int m = coefficients.length - 1; m >= 1; m--) {
        sum = sum * z + m * coefficients[m];
      }
      return sum;
    }

    @Override
    public void toSphere(double x, double y, double[] result) {
      double r = Math.hypot(x, y) * DEGREE;
      double z = distance(r);
      double sine = Math.sin(z);
      result[0] = r == 0 ? (z == 0 ? 0 : Double.NaN) : -y * DEGREE / r * sine;
      result[1] = r == 0 ? (z == 0 ? 0 : Double.NaN) : x * DEGREE / r * sine;
      result[2] = Math.cos(z);
    }

    /** The distance from the centre at this radius: Newton's steps, kept inside a bracket. */
    private double distance(double r) {
      if (!(r >= coefficients[0] && r <= largest)) {
        return Double.NaN;
      }
      double low = 0;
      double high = farthest;
      double z = Math.min(r, high);
      for (int i = 0; i < 100; i++) {
        double miss = radius(z) - r;
        if (miss > 0) {
          high = z;
        } else {
          low = z;
        }
        double next = z - miss / derivative(z);
        if (!(next >= low && next <= high)) {
          next = (low + high) / 2;
        }
        if (Math.abs(next - z) <= 1e-16 + 1e-15 * next) {
          return next;
        }
        z = next;
      }
      return z;
    }

    @Override
    public void toPlane(double nx, double ny, double nz, double[] result) {
      double sine = Math.hypot(nx, ny);
      double z = Math.atan2(sine, nz);
      if (!(z <= farthest)) {
        result[0] = Double.NaN;
        result[1] = Double.NaN;
      } else if (sine == 0) {
        result[0] = 0;
        result[1] = -radius(z) / DEGREE;
      } else {
        double r = radius(z) / DEGREE;
        result[0] = r * ny / sine;
        result[1] = -r * nx / sine;
      }
    }
  }
}
