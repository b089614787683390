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

  /** Numbers a node of a star's grid: its products with nine columns. */
  static final int GRID_COLUMNS = 9;

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

  /** Nodes a pixel of the grid of residuals, 0 where it is not fitted; nodes from middle to end. */
  int gridSteps;

  int gridReach;

  /** Numbers a node: its weighted products with the nine columns, the residual the last. */
  int gridColumns;

  /** Number of each star's grid; -1 for a star that has none. */
  int[] gridOf = new int[1];

  /** The grids. */
  float[] grid = new float[1];

  @Scratch float[] work;

  /** The pixels' weights, and what is left in them of the target. */
  float[] weights;

  float[] left;

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
    if (gridSteps > 0 && gridOf[star] >= 0) {
      int numbers = (2 * gridReach + 1) * (2 * gridReach + 1) * gridColumns;
      for (int i = 0; i < numbers; i++) {
        grid[gridOf[star] * numbers + i] = 0f;
      }
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
          weights[row + px] = weight;
          left[row + px] = r;
          if (gridSteps > 0 && gridOf[star] >= 0) {
            addToGrid(star, px, py, weight * f, r, j0);
          }
        }
      }
    }
  }

  /** Adds a pixel's products to the nodes that its residual would be interpolated between. */
  private void addToGrid(int star, int px, int py, float weight, float r, int j0) {
    int side = 2 * gridReach + 1;
    float tx = gridReach + PsfResidual.PAD - gridSteps * offsetX[star];
    float ty = gridReach + PsfResidual.PAD - gridSteps * offsetY[star];
    int ix = (int) tx;
    int iy = (int) ty;
    for (int j = 0; j < 4; j++) {
      int row = gridSteps * py + iy - PsfResidual.PAD - 1 + j;
      for (int i = 0; i < 4; i++) {
        int column = gridSteps * px + ix - PsfResidual.PAD - 1 + i;
        if (row >= 0 && row < side && column >= 0 && column < side) {
          float share = weight * cubic(i, tx - ix) * cubic(j, ty - iy);
          int g = ((gridOf[star] * side + row) * side + column) * gridColumns;
          for (int a = 0; a < 8; a++) {
            grid[g + a] += share * work[j0 + a];
          }
          grid[g + 8] += share * r;
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
