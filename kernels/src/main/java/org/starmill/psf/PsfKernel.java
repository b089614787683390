package org.starmill.psf;

import org.starmill.device.ItemKernel;

/**
 * Evaluates the PSF, integrated over a pixel, and its derivatives: the arithmetic that all kernels
 * of the PSF share.
 *
 * <p>A star's shape is five numbers, its form: A, B, C, beta and the norm N. With (X, Y) the offset
 * from the star's centre and q = A X^2 + B X Y + C Y^2 the profile is
 *
 * <pre>
 *   Moffat    N (1 + q)^-beta      N = (beta - 1) sqrt(AC - B^2/4) / pi
 *   Gaussian  N exp(-q / 2)        N = sqrt(AC - B^2/4) / (2 pi)
 * </pre>
 *
 * so that its integral over the plane is 1 (Moffat 1969, A&amp;A 3, 455). The integral over a pixel
 * is taken by Gauss-Legendre quadrature of n x n nodes. Three nodes a side leave 0.1 mmag of the
 * phase within the pixel at a FWHM of 1.94 pixels; two do for a FWHM of 3 and more, and in the
 * wings.
 */
public abstract class PsfKernel extends ItemKernel {
  /** Numbers of a form. */
  public static final int FORM = 5;

  /** 0 for a Moffat profile, 1 for a Gaussian. */
  protected int gaussian;

  /** Half side of the square of pixels, about the star's own, integrated with coreOrder nodes. */
  protected int coreRadius;

  protected int coreOrder;
  protected int wingOrder;

  /** Gauss-Legendre nodes on [-1/2, 1/2] and weights, those of order n from n (n - 1) / 2 on. */
  protected float[] node = {
    0f, -0.28867513f, 0.28867513f, -0.38729833f, 0f, 0.38729833f,
  };

  protected float[] nodeWeight = {1f, 0.5f, 0.5f, 0.27777778f, 0.44444444f, 0.27777778f};

  /** Sets profile and quadrature for PSFs of the given kind and width. */
  public final void configure(PsfModel model, double fwhm) {
    gaussian = model == PsfModel.GAUSSIAN ? 1 : 0;
    coreOrder = fwhm < 3 ? 3 : 2;
    wingOrder = 2;
    coreRadius = (int) Math.round(1.5 * fwhm);
  }

  /** The profile over its norm, as a function of q. */
  protected float profile(float q, float beta) {
    float value = 0f;
    if (gaussian == 1) {
      value = exponential(-0.5f * q);
    } else {
      if (beta == 3f) {
        float u = 1f / (1f + q);
        value = u * u * u;
      } else {
        value = powerOf(1f + q, -beta);
      }
    }
    return value;
  }

  /** Nodes a side for the pixel at a whole-pixel offset from the star's own. */
  protected int order(int px, int py) {
    int order = coreOrder;
    if (px > coreRadius || px < -coreRadius || py > coreRadius || py < -coreRadius) {
      order = wingOrder;
    }
    return order;
  }

  /**
   * The PSF over one pixel.
   *
   * @param form forms of all stars
   * @param f where the star's own starts
   * @param dx pixel's centre less star's centre
   * @param dy the same in y
   * @param order nodes a side
   */
  protected float pixel(float[] form, int f, float dx, float dy, int order) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    int n0 = order * (order - 1) / 2;
    float sum = 0f;
    for (int j = 0; j < order; j++) {
      float y = dy + node[n0 + j];
      float wy = nodeWeight[n0 + j];
      for (int i = 0; i < order; i++) {
        float x = dx + node[n0 + i];
        float q = x * (a * x + b * y) + c * y * y;
        sum += wy * nodeWeight[n0 + i] * profile(q, beta);
      }
    }
    return sum * form[f + 4];
  }

  /**
   * The PSF over one pixel and its derivatives by the star's x and y, into out[o] to out[o + 2].
   */
  protected void pixelAndSlopes(
      float[] form, int f, float dx, float dy, int order, float[] out, int o) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    int n0 = order * (order - 1) / 2;
    float sum = 0f;
    float sumX = 0f;
    float sumY = 0f;
    for (int j = 0; j < order; j++) {
      float y = dy + node[n0 + j];
      float wy = nodeWeight[n0 + j];
      for (int i = 0; i < order; i++) {
        float x = dx + node[n0 + i];
        float q = x * (a * x + b * y) + c * y * y;
        float value = wy * nodeWeight[n0 + i] * profile(q, beta);
        float slope = 0.5f * value;
        if (gaussian == 0) {
          slope = beta * value / (1f + q);
        }
        sum += value;
        sumX += slope * (2f * a * x + b * y);
        sumY += slope * (b * x + 2f * c * y);
      }
    }
    float norm = form[f + 4];
    out[o] = norm * sum;
    out[o + 1] = norm * sumX;
    out[o + 2] = norm * sumY;
  }

  /**
   * The PSF over one pixel and its derivatives by x, y, A, B, C, beta, into out[o] to out[o + 6];
   * the one by beta is 0 for a Gaussian.
   */
  protected void pixelAndShape(
      float[] form, int f, float dx, float dy, int order, float[] out, int o) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    int n0 = order * (order - 1) / 2;
    float sum = 0f;
    float sumX = 0f;
    float sumY = 0f;
    float sumA = 0f;
    float sumB = 0f;
    float sumC = 0f;
    float sumBeta = 0f;
    for (int j = 0; j < order; j++) {
      float y = dy + node[n0 + j];
      float wy = nodeWeight[n0 + j];
      for (int i = 0; i < order; i++) {
        float x = dx + node[n0 + i];
        float q = x * (a * x + b * y) + c * y * y;
        float value = wy * nodeWeight[n0 + i] * profile(q, beta);
        float slope = 0.5f * value;
        if (gaussian == 0) {
          slope = beta * value / (1f + q);
          sumBeta -= value * naturalLog(1f + q);
        }
        sum += value;
        sumX += slope * (2f * a * x + b * y);
        sumY += slope * (b * x + 2f * c * y);
        sumA -= slope * x * x;
        sumB -= slope * x * y;
        sumC -= slope * y * y;
      }
    }
    float norm = form[f + 4];
    float det = a * c - 0.25f * b * b;
    out[o] = norm * sum;
    out[o + 1] = norm * sumX;
    out[o + 2] = norm * sumY;
    out[o + 3] = norm * (sumA + sum * 0.5f * c / det);
    out[o + 4] = norm * (sumB - sum * 0.25f * b / det);
    out[o + 5] = norm * (sumC + sum * 0.5f * a / det);
    float byBeta = 0f;
    if (gaussian == 0) {
      byBeta = norm * (sumBeta + sum / (beta - 1f));
    }
    out[o + 6] = byBeta;
  }
}
