package org.starmill.psf;

import org.starmill.device.ItemKernel;

/**
 * Evaluates the PSF, integrated over a pixel, and its derivatives: the arithmetic that all kernels
 * of the PSF share.
 *
 * <p>A star's shape is six numbers, its form: A, B, C, beta, the norm N and the number of its
 * residual table (0 for none). With (X, Y) the offset from the star's centre and q = A X^2 + B X Y
 * + C Y^2 the profile is
 *
 * <pre>
 *   Moffat    N (1 + q)^-beta      N = (beta - 1) sqrt(AC - B^2/4) / pi
 *   Gaussian  N exp(-q / 2)        N = sqrt(AC - B^2/4) / (2 pi)
 * </pre>
 *
 * so that its integral over the plane is 1 (Moffat 1969, A&amp;A 3, 455). The integral over a pixel
 * is taken by Gauss-Legendre quadrature of n x n nodes in the core, and as f + (1/24) laplacian f
 * at the pixel's centre (Taylor expansion to third order) outside it. Three nodes a side leave 0.1
 * mmag of the phase within the pixel at a FWHM of 1.94 pixels; two do for a FWHM of 3 and more, and
 * the Taylor expansion for 5 and more, and in the wings.
 *
 * <p>A table of residuals, where the form names one, adds to that ({@link PsfResidual}).
 *
 * <p>{@link PsfStamps} evaluates the same with the Vector API.
 */
public abstract class PsfKernel extends ItemKernel {
  /** Numbers of a form. */
  public static final int FORM = 6;

  /** 0 for a Moffat profile, 1 for a Gaussian. */
  protected int gaussian;

  /**
   * Half side of the square of pixels, about the star's own, integrated with coreOrder nodes; -1
   * where there is none.
   */
  protected int coreRadius;

  protected int coreOrder;

  /** Gauss-Legendre nodes on [-1/2, 1/2] and weights, those of order n from n (n - 1) / 2 on. */
  protected float[] node = {
    0f, -0.28867513f, 0.28867513f, -0.38729833f, 0f, 0.38729833f,
  };

  protected float[] nodeWeight = {1f, 0.5f, 0.5f, 0.27777778f, 0.44444444f, 0.27777778f};

  /** Tables of residuals, as {@link PsfResidual} lays them out. */
  protected float[] residualTable = new float[1];

  /** Places of one table, of one of its rows, and rows of one of its phases. */
  protected int residualSize;

  protected int residualRow;
  protected int residualRows;

  /** Nodes a pixel, and the place of the middle node within its row. */
  protected int residualSteps = 1;

  protected float residualOrigin;

  /** Pixels from the star's centre from which on there is no residual. */
  protected float residualReach;

  /** Sets profile, quadrature and residuals for a PSF. */
  public final void configure(Psf psf) {
    configure(psf.model(), psf.fwhm());
    PsfResidual residual = psf.residual();
    if (residual != null) {
      residualTable = residual.table();
      residualSteps = residual.steps();
      residualSize = PsfResidual.tableSize(residualSteps, residual.reach());
      residualRow = PsfResidual.rowLength(residualSteps, residual.reach());
      residualRows = PsfResidual.rows(residualSteps, residual.reach());
      residualOrigin = residual.reach() + PsfResidual.PAD;
      residualReach = (residual.reach() + 2f) / residualSteps;
    }
  }

  /** Sets profile and quadrature for PSFs of the given kind and width, without residuals. */
  public final void configure(PsfModel model, double fwhm) {
    residualTable = new float[1];
    gaussian = model == PsfModel.GAUSSIAN ? 1 : 0;
    coreOrder = fwhm < 3 ? 3 : 2;
    coreRadius = fwhm < 5 ? (int) Math.round(1.5 * fwhm) : -1;
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

  /**
   * Nodes a side for the pixel at a whole-pixel offset from the star's own; 1 stands for the Taylor
   * expansion.
   */
  protected int order(int px, int py) {
    int order = coreOrder;
    if (px > coreRadius || px < -coreRadius || py > coreRadius || py < -coreRadius) {
      order = 1;
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
   * @param order nodes a side, or 1 for the Taylor expansion
   */
  protected float pixel(float[] form, int f, float dx, float dy, int order) {
    float value = 0f;
    if (order == 1) {
      value = expanded(form, f, dx, dy);
    } else {
      value = integrated(form, f, dx, dy, order);
    }
    if (form[f + 5] > 0f && abs(dx) < residualReach && abs(dy) < residualReach) {
      value += residual(form[f + 5], dx, dy);
    }
    return value;
  }

  /** Keys's weight of the first to the fourth of the nodes about a place. */
  protected float cubic(int which, float share) {
    float weight = share * (-0.5f + share * (1f - 0.5f * share));
    if (which == 1) {
      weight = 1f + share * share * (1.5f * share - 2.5f);
    }
    if (which == 2) {
      weight = share * (0.5f + share * (2f - 1.5f * share));
    }
    if (which == 3) {
      weight = share * share * (0.5f * share - 0.5f);
    }
    return weight;
  }

  protected float cubicSlope(int which, float share) {
    float slope = -0.5f + share * (2f - 1.5f * share);
    if (which == 1) {
      slope = share * (4.5f * share - 5f);
    }
    if (which == 2) {
      slope = 0.5f + share * (4f - 4.5f * share);
    }
    if (which == 3) {
      slope = share * (1.5f * share - 1f);
    }
    return slope;
  }

  /** The value of a node of the padded grid. */
  private float residualNode(int start, int column, int row) {
    int y = row / residualSteps;
    int x = column / residualSteps;
    int phase = (row - y * residualSteps) * residualSteps + column - x * residualSteps;
    return residualTable[start + (phase * residualRows + y) * residualRow + x];
  }

  /** The residual over one pixel, interpolated in a table. */
  private float residual(float number, float dx, float dy) {
    int start = ((int) number - 1) * residualSize;
    float tx = dx * residualSteps + residualOrigin;
    float ty = dy * residualSteps + residualOrigin;
    int ix = (int) tx;
    int iy = (int) ty;
    float sum = 0f;
    for (int j = 0; j < 4; j++) {
      float row = 0f;
      for (int i = 0; i < 4; i++) {
        row += cubic(i, tx - ix) * residualNode(start, ix - 1 + i, iy - 1 + j);
      }
      sum += cubic(j, ty - iy) * row;
    }
    return sum;
  }

  private void addResidualAndSlopes(float number, float dx, float dy, float[] out, int o) {
    int start = ((int) number - 1) * residualSize;
    float tx = dx * residualSteps + residualOrigin;
    float ty = dy * residualSteps + residualOrigin;
    int ix = (int) tx;
    int iy = (int) ty;
    float sum = 0f;
    float sumX = 0f;
    float sumY = 0f;
    for (int j = 0; j < 4; j++) {
      float row = 0f;
      float rowX = 0f;
      for (int i = 0; i < 4; i++) {
        float value = residualNode(start, ix - 1 + i, iy - 1 + j);
        row += cubic(i, tx - ix) * value;
        rowX += cubicSlope(i, tx - ix) * value;
      }
      sum += cubic(j, ty - iy) * row;
      sumX += cubic(j, ty - iy) * rowX;
      sumY += cubicSlope(j, ty - iy) * row;
    }
    out[o] += sum;
    out[o + 1] -= residualSteps * sumX;
    out[o + 2] -= residualSteps * sumY;
  }

  /** f + (1/24) laplacian f, with G = |grad q|^2 and T = laplacian q. */
  private float expanded(float[] form, int f, float dx, float dy) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float gx = 2f * a * dx + b * dy;
    float gy = b * dx + 2f * c * dy;
    float q = 0.5f * (dx * gx + dy * gy);
    float g = gx * gx + gy * gy;
    float t = 2f * (a + c);
    float value = 0f;
    if (gaussian == 1) {
      value = profile(q, beta) * (1f + (0.25f * g - 0.5f * t) / 24f);
    } else {
      float u = 1f + q;
      float h2 = powerOf(u, -beta - 2f);
      value = h2 * (u * u + beta / 24f * ((beta + 1f) * g - u * t));
    }
    return value * form[f + 4];
  }

  private float integrated(float[] form, int f, float dx, float dy, int order) {
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
    if (order == 1) {
      expandedAndSlopes(form, f, dx, dy, out, o);
    } else {
      integratedAndSlopes(form, f, dx, dy, order, out, o);
    }
    if (form[f + 5] > 0f && abs(dx) < residualReach && abs(dy) < residualReach) {
      addResidualAndSlopes(form[f + 5], dx, dy, out, o);
    }
  }

  private void expandedAndSlopes(float[] form, int f, float dx, float dy, float[] out, int o) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    float gx = 2f * a * dx + b * dy;
    float gy = b * dx + 2f * c * dy;
    float q = 0.5f * (dx * gx + dy * gy);
    float g = gx * gx + gy * gy;
    float t = 2f * (a + c);
    // The gradient of G is twice this.
    float ggx = 2f * a * gx + b * gy;
    float ggy = b * gx + 2f * c * gy;
    if (gaussian == 1) {
      float value = norm * profile(q, beta);
      float all = value * (1f + (0.25f * g - 0.5f * t) / 24f);
      out[o] = all;
      out[o + 1] = 0.5f * gx * all - value * ggx / 48f;
      out[o + 2] = 0.5f * gy * all - value * ggy / 48f;
    } else {
      float u = 1f + q;
      float h3 = norm * powerOf(u, -beta - 3f);
      float h2 = h3 * u;
      float k = beta * (beta + 1f) / 24f;
      out[o] = h2 * u * u + k * h2 * g - beta / 24f * h2 * u * t;
      float radial = beta * h2 * u + k * ((beta + 2f) * h3 * g - h2 * t);
      out[o + 1] = radial * gx - 2f * k * h2 * ggx;
      out[o + 2] = radial * gy - 2f * k * h2 * ggy;
    }
  }

  private void integratedAndSlopes(
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
   * The derivatives of the PSF over one pixel by A, B, C, beta, into out[o] to out[o + 3]; the one
   * by beta is 0 for a Gaussian. Where the Taylor expansion stands in for the integral, they are
   * those of the profile at the pixel's centre: they show a fit the way, and where it ends depends
   * on the value alone.
   */
  protected void pixelByShape(
      float[] form, int f, float dx, float dy, int order, float[] out, int o) {
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    int n0 = order * (order - 1) / 2;
    float sum = 0f;
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
        sumA -= slope * x * x;
        sumB -= slope * x * y;
        sumC -= slope * y * y;
      }
    }
    float norm = form[f + 4];
    float det = a * c - 0.25f * b * b;
    out[o] = norm * (sumA + sum * 0.5f * c / det);
    out[o + 1] = norm * (sumB - sum * 0.25f * b / det);
    out[o + 2] = norm * (sumC + sum * 0.5f * a / det);
    float byBeta = 0f;
    if (gaussian == 0) {
      byBeta = norm * (sumBeta + sum / (beta - 1f));
    }
    out[o + 3] = byBeta;
  }
}
