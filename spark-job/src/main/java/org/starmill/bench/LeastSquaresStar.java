package org.starmill.bench;

import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.DiagonalMatrix;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.RealVector;
import org.hipparchus.optim.nonlinear.vector.leastsquares.LeastSquaresBuilder;
import org.hipparchus.optim.nonlinear.vector.leastsquares.LeastSquaresOptimizer;
import org.hipparchus.optim.nonlinear.vector.leastsquares.LevenbergMarquardtOptimizer;
import org.hipparchus.optim.nonlinear.vector.leastsquares.MultivariateJacobianFunction;
import org.hipparchus.util.Pair;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfModel;

/**
 * Fits one star as a careful user of a numerical library would write it first.
 *
 * <p>In double precision, x, y, flux and sky by Levenberg-Marquardt (Hipparchus) with the analytic
 * Jacobian, the shape held at the PSF's. The profile is integrated over each pixel of the stamp by
 * three Gauss-Legendre nodes a side.
 */
final class LeastSquaresStar {
  private static final double[] NODE = {-Math.sqrt(0.15), 0, Math.sqrt(0.15)};
  private static final double[] WEIGHT = {5.0 / 18, 8.0 / 18, 5.0 / 18};
  private static final int MOST_STEPS = 100;

  private final float[] image;
  private final float[] weight;
  private final int width;
  private final int height;
  private final Psf psf;
  private final boolean moffat;
  private final LevenbergMarquardtOptimizer optimizer = new LevenbergMarquardtOptimizer();

  /**
   * Takes an image.
   *
   * @param image electrons, sky taken off
   * @param weight 1 / variance; 0 where a pixel must not be used
   */
  LeastSquaresStar(float[] image, float[] weight, int width, int height, Psf psf) {
    this.image = image;
    this.weight = weight;
    this.width = width;
    this.height = height;
    this.psf = psf;
    this.moffat = psf.model() == PsfModel.MOFFAT;
  }

  /**
   * Fits one star.
   *
   * @param radius half the side of the stamp
   * @return x, y, flux, sky
   */
  double[] fit(double x, double y, double flux, int radius) {
    int left = Math.max(0, (int) Math.round(x) - radius);
    int right = Math.min(width - 1, (int) Math.round(x) + radius);
    int top = Math.max(0, (int) Math.round(y) - radius);
    int bottom = Math.min(height - 1, (int) Math.round(y) + radius);
    int most = (right - left + 1) * (bottom - top + 1);
    int[] column = new int[most];
    int[] row = new int[most];
    double[] target = new double[most];
    double[] weights = new double[most];
    int n = 0;
    for (int py = top; py <= bottom; py++) {
      for (int px = left; px <= right; px++) {
        int i = py * width + px;
        if (weight[i] > 0) {
          column[n] = px;
          row[n] = py;
          target[n] = image[i];
          weights[n++] = weight[i];
        }
      }
    }
    float[] form = new float[PsfKernel.FORM];
    psf.formAt(x, y, form, 0);
    LeastSquaresOptimizer.Optimum optimum =
        optimizer.optimize(
            new LeastSquaresBuilder()
                .start(new double[] {x, y, flux, 0})
                .model(new Model(form, column, row, n))
                .target(java.util.Arrays.copyOf(target, n))
                .weight(new DiagonalMatrix(java.util.Arrays.copyOf(weights, n)))
                .maxEvaluations(MOST_STEPS)
                .maxIterations(MOST_STEPS)
                .build());
    return optimum.getPoint().toArray();
  }

  /** The star's light in each pixel, and its derivatives by x, y, flux and sky. */
  private final class Model implements MultivariateJacobianFunction {
    private final double a;
    private final double b;
    private final double c;
    private final double beta;
    private final double norm;
    private final int[] column;
    private final int[] row;
    private final int pixels;

    Model(float[] form, int[] column, int[] row, int pixels) {
      a = form[0];
      b = form[1];
      c = form[2];
      beta = form[3];
      norm = form[4];
      this.column = column;
      this.row = row;
      this.pixels = pixels;
    }

    @Override
    public Pair<RealVector, RealMatrix> value(RealVector point) {
      double x = point.getEntry(0);
      double y = point.getEntry(1);
      double flux = point.getEntry(2);
      double sky = point.getEntry(3);
      double[] value = new double[pixels];
      double[][] jacobian = new double[pixels][4];
      for (int i = 0; i < pixels; i++) {
        double p = 0;
        double byX = 0;
        double byY = 0;
        for (int v = 0; v < NODE.length; v++) {
          double dy = row[i] + NODE[v] - y;
          for (int u = 0; u < NODE.length; u++) {
            double dx = column[i] + NODE[u] - x;
            double q = a * dx * dx + b * dx * dy + c * dy * dy;
            double share = WEIGHT[u] * WEIGHT[v] * norm;
            double f = share * (moffat ? Math.pow(1 + q, -beta) : Math.exp(-0.5 * q));
            double slope = moffat ? -beta * f / (1 + q) : -0.5 * f;
            p += f;
            byX -= slope * (2 * a * dx + b * dy);
            byY -= slope * (2 * c * dy + b * dx);
          }
        }
        value[i] = flux * p + sky;
        jacobian[i][0] = flux * byX;
        jacobian[i][1] = flux * byY;
        jacobian[i][2] = p;
        jacobian[i][3] = 1;
      }
      return new Pair<>(
          new ArrayRealVector(value, false), new Array2DRowRealMatrix(jacobian, false));
    }
  }
}
