package org.starmill.psf;

/**
 * Sums the normal system of one PSF star: by x, y, flux, sky and the form A, B, C, beta.
 *
 * <p>Weights come from the model: 1 / (base + u F P + (c F P)^2), where c stands for what no smooth
 * PSF can describe (flat, charge transfer) and keeps a few very bright stars from deciding alone.
 * Beyond 4 sigma a pixel's pull grows no more (Huber 1964): a cosmic ray or a faint neighbour under
 * the wings moves nothing.
 */
final class PsfNormalKernel extends PsfKernel {
  /** Numbers a star: lower triangle of 8 x 8 by rows, gradient, chi^2, number of pixels. */
  static final int SUMS = 46;

  /** Numbers a star for the PSF's values and the row of the design matrix. */
  static final int WORK = 16;

  static final float CLIP = 4f;

  int stampRadius;

  /** Places from one row of a stamp to the next. */
  int stride;

  float modelVariance;
  float[] offsetX;
  float[] offsetY;
  float[] flux;
  float[] sky;
  float[] photon;
  float[] form;

  /** The image about each star without the other stars, a stamp a star. */
  float[] target;

  /** Variance of the empty sky in the same pixels; 0 where a pixel must not be used. */
  float[] variance;

  float[] work;
  float[] sums;

  @Override
  public void item(int star) {
    int side = 2 * stampRadius + 1;
    int v = star * WORK;
    int j0 = v + 8;
    int o = star * SUMS;
    for (int i = 0; i < SUMS; i++) {
      sums[o + i] = 0f;
    }
    float f = flux[star];
    float u = photon[star];
    for (int py = -stampRadius; py <= stampRadius; py++) {
      int row = (star * side + py + stampRadius) * stride + stampRadius;
      for (int px = -stampRadius; px <= stampRadius; px++) {
        float empty = variance[row + px];
        if (empty > 0f) {
          float dx = px - offsetX[star];
          float dy = py - offsetY[star];
          int nodes = order(px, py);
          pixelAndSlopes(form, star * FORM, dx, dy, nodes, work, v);
          pixelByShape(form, star * FORM, dx, dy, nodes, work, v + 3);
          float m = max(f * work[v], 0f);
          float weight = 1f / (empty + m * (u + modelVariance * m));
          float r = target[row + px] - f * work[v] - sky[star];
          float pull = abs(r) * sqrt(weight);
          if (pull > CLIP) {
            weight = weight * CLIP / pull;
          }
          work[j0] = f * work[v + 1];
          work[j0 + 1] = f * work[v + 2];
          work[j0 + 2] = work[v];
          work[j0 + 3] = 1f;
          work[j0 + 4] = f * work[v + 3];
          work[j0 + 5] = f * work[v + 4];
          work[j0 + 6] = f * work[v + 5];
          work[j0 + 7] = f * work[v + 6];
          int h = o;
          for (int a = 0; a < 8; a++) {
            float weighted = weight * work[j0 + a];
            for (int b = 0; b <= a; b++) {
              sums[h] += weighted * work[j0 + b];
              h++;
            }
            sums[o + 36 + a] += weighted * r;
          }
          sums[o + 44] += weight * r * r;
          sums[o + 45] += 1f;
        }
      }
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    PsfNormals normals = new PsfNormals(this);
    for (int star = from; star < to; star++) {
      normals.sum(this, star);
    }
  }
}
