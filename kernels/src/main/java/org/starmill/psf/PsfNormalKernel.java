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

  /** Pixels of a row that are done side by side. */
  static final int LANES = 8;

  /** The columns of a pixel: the eight of the design matrix, and the residual. */
  static final int COLUMNS = 9;

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

  /** 1 where an OpenCL compiler makes vectors of loops: {@link #LANES} pixels are done at once. */
  int sideBySide;

  @Scratch float[] work;

  /** The pixels' weights, and what is left in them of the target. */
  float[] weights;

  float[] left;

  float[] sums;

  @Override
  public void item(int star) {
    if (sideBySide == 1) {
      sumSideBySide(star);
    } else {
      sumOneByOne(star);
    }
  }

  private void sumOneByOne(int star) {
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

  private void sumSideBySide(int star) {
    float[] column = new float[COLUMNS * LANES];
    float[] weight = new float[LANES];
    float[] sum = new float[SUMS * LANES];
    int[] place = new int[16];
    float[] share = new float[16];
    float[] shareX = new float[16];
    float[] shareY = new float[16];
    for (int i = 0; i < SUMS * LANES; i++) {
      sum[i] = 0f;
    }
    if (gridSteps > 0 && gridOf[star] >= 0) {
      int numbers = (2 * gridReach + 1) * (2 * gridReach + 1) * gridColumns;
      for (int i = 0; i < numbers; i++) {
        grid[gridOf[star] * numbers + i] = 0f;
      }
    }
    int f = star * FORM;
    float x = offsetX[star];
    float y = offsetY[star];
    if (form[f + 5] > 0f) {
      residualShares(form[f + 5], x, y, place, share, shareX, shareY);
    }
    int side = 2 * stampRadius + 1;
    for (int py = -stampRadius; py <= stampRadius; py++) {
      for (int px = -stampRadius; px <= stampRadius; px += LANES) {
        columns(f, px, py, x, y, column);
        if (form[f + 5] > 0f && abs(py - y) < residualReach) {
          addResiduals(px, py * residualRow + px, x, place, share, shareX, shareY, column);
        }
        int first = (star * side + py + stampRadius) * stride + stampRadius + px;
        fill(star, first, stampRadius + 1 - px, column, weight, sum);
        if (gridSteps > 0 && gridOf[star] >= 0) {
          addRowToGrid(star, px, py, weight, column);
        }
      }
    }
    for (int i = 0; i < SUMS; i++) {
      float total = 0f;
      for (int lane = 0; lane < LANES; lane++) {
        total += sum[i * LANES + lane];
      }
      sums[star * SUMS + i] = total;
    }
  }

  /**
   * The PSF, its slopes and its derivatives by the form over pixels of a row, without residuals: as
   * {@link #pixelAndSlopes} and {@link #pixelByShape} have them.
   *
   * @param f where the star's form starts
   * @param px first pixel, and py its row, relative to the star's own
   * @param x centre of the star less that of its own pixel, as y
   * @param column_$private$ out: {@link #LANES} numbers each by x, y, the flux; from the fifth on
   *     by A, B, C and beta
   */
  void columns(int f, int px, int py, float x, float y, float[] column_$private$) {
    if (gaussian == 1) {
      gaussianColumns(f, px - x, py - y, column_$private$);
    } else {
      moffatColumns(f, px - x, py - y, column_$private$);
    }
    if (abs(py) <= coreRadius && px <= coreRadius && px + LANES > -coreRadius) {
      coreColumns(f, px, px - x, py - y, column_$private$);
    }
  }

  /**
   * By Taylor expansion.
   *
   * @param dx of the first pixel's centre less the star's
   */
  private void moffatColumns(int f, float dx, float dy, float[] column_$private$) {
    float[] valueOf = new float[LANES];
    float[] byX = new float[LANES];
    float[] byY = new float[LANES];
    float[] byA = new float[LANES];
    float[] byB = new float[LANES];
    float[] byC = new float[LANES];
    float[] byBeta = new float[LANES];
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    float t = 2f * (a + c);
    float k = beta * (beta + 1f) / 24f;
    float det = a * c - 0.25f * b * b;
    float ofA = 0.5f * c / det;
    float ofB = -0.25f * b / det;
    float ofC = 0.5f * a / det;
    float ofBeta = 1f / (beta - 1f);
    for (int lane = 0; lane < LANES; lane++) {
      float x = dx + lane;
      float gx = 2f * a * x + b * dy;
      float gy = b * x + 2f * c * dy;
      float u = 1f + 0.5f * (x * gx + dy * gy);
      float g = gx * gx + gy * gy;
      float h3 = norm * powerOf(u, -beta - 3f);
      float h2 = h3 * u;
      float h1 = h2 * u;
      float h0 = h1 * u;
      valueOf[lane] = h1 * u + k * h2 * g - beta / 24f * h1 * t;
      float radial = beta * h1 + k * ((beta + 2f) * h3 * g - h2 * t);
      byX[lane] = radial * gx - 2f * k * h2 * (2f * a * gx + b * gy);
      byY[lane] = radial * gy - 2f * k * h2 * (b * gx + 2f * c * gy);
      float slope = beta * h1;
      byA[lane] = h0 * ofA - slope * x * x;
      byB[lane] = h0 * ofB - slope * x * dy;
      byC[lane] = h0 * ofC - slope * dy * dy;
      byBeta[lane] = h0 * (ofBeta - naturalLog(u));
    }
    for (int lane = 0; lane < LANES; lane++) {
      column_$private$[lane] = byX[lane];
      column_$private$[LANES + lane] = byY[lane];
      column_$private$[2 * LANES + lane] = valueOf[lane];
      column_$private$[4 * LANES + lane] = byA[lane];
      column_$private$[5 * LANES + lane] = byB[lane];
      column_$private$[6 * LANES + lane] = byC[lane];
      column_$private$[7 * LANES + lane] = byBeta[lane];
    }
  }

  /** The same of a Gaussian, for which the derivative by beta is 0. */
  private void gaussianColumns(int f, float dx, float dy, float[] column_$private$) {
    float[] valueOf = new float[LANES];
    float[] byX = new float[LANES];
    float[] byY = new float[LANES];
    float[] byA = new float[LANES];
    float[] byB = new float[LANES];
    float[] byC = new float[LANES];
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float norm = form[f + 4];
    float t = 2f * (a + c);
    float det = a * c - 0.25f * b * b;
    float ofA = 0.5f * c / det;
    float ofB = -0.25f * b / det;
    float ofC = 0.5f * a / det;
    for (int lane = 0; lane < LANES; lane++) {
      float x = dx + lane;
      float gx = 2f * a * x + b * dy;
      float gy = b * x + 2f * c * dy;
      float g = gx * gx + gy * gy;
      float middle = norm * exponential(-0.25f * (x * gx + dy * gy));
      float all = middle * (1f + (0.25f * g - 0.5f * t) / 24f);
      valueOf[lane] = all;
      byX[lane] = 0.5f * gx * all - middle * (2f * a * gx + b * gy) / 48f;
      byY[lane] = 0.5f * gy * all - middle * (b * gx + 2f * c * gy) / 48f;
      byA[lane] = middle * (ofA - 0.5f * x * x);
      byB[lane] = middle * (ofB - 0.5f * x * dy);
      byC[lane] = middle * (ofC - 0.5f * dy * dy);
    }
    for (int lane = 0; lane < LANES; lane++) {
      column_$private$[lane] = byX[lane];
      column_$private$[LANES + lane] = byY[lane];
      column_$private$[2 * LANES + lane] = valueOf[lane];
      column_$private$[4 * LANES + lane] = byA[lane];
      column_$private$[5 * LANES + lane] = byB[lane];
      column_$private$[6 * LANES + lane] = byC[lane];
      column_$private$[7 * LANES + lane] = 0f;
    }
  }

  /** The same integrated over the pixels, of those that belong to the core. */
  private void coreColumns(int f, int px, float dx, float dy, float[] column_$private$) {
    float[] sum = new float[LANES];
    float[] sumX = new float[LANES];
    float[] sumY = new float[LANES];
    float[] sumA = new float[LANES];
    float[] sumB = new float[LANES];
    float[] sumC = new float[LANES];
    float[] sumBeta = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      sum[lane] = 0f;
      sumX[lane] = 0f;
      sumY[lane] = 0f;
      sumA[lane] = 0f;
      sumB[lane] = 0f;
      sumC[lane] = 0f;
      sumBeta[lane] = 0f;
    }
    float a = form[f];
    float b = form[f + 1];
    float c = form[f + 2];
    float beta = form[f + 3];
    float norm = form[f + 4];
    int n0 = coreOrder * (coreOrder - 1) / 2;
    for (int j = 0; j < coreOrder; j++) {
      float y = dy + node[n0 + j];
      for (int i = 0; i < coreOrder; i++) {
        float left = dx + node[n0 + i];
        float share = nodeWeight[n0 + j] * nodeWeight[n0 + i];
        if (gaussian == 1) {
          for (int lane = 0; lane < LANES; lane++) {
            float x = left + lane;
            float q = x * (a * x + b * y) + c * y * y;
            float value = share * exponential(-0.5f * q);
            float slope = 0.5f * value;
            sum[lane] += value;
            sumX[lane] += slope * (2f * a * x + b * y);
            sumY[lane] += slope * (b * x + 2f * c * y);
            sumA[lane] -= slope * x * x;
            sumB[lane] -= slope * x * y;
            sumC[lane] -= slope * y * y;
          }
        } else {
          for (int lane = 0; lane < LANES; lane++) {
            float x = left + lane;
            float u = 1f + x * (a * x + b * y) + c * y * y;
            float value = share * powerOf(u, -beta);
            float slope = beta * value / u;
            sum[lane] += value;
            sumX[lane] += slope * (2f * a * x + b * y);
            sumY[lane] += slope * (b * x + 2f * c * y);
            sumA[lane] -= slope * x * x;
            sumB[lane] -= slope * x * y;
            sumC[lane] -= slope * y * y;
            sumBeta[lane] -= value * naturalLog(u);
          }
        }
      }
    }
    float det = a * c - 0.25f * b * b;
    float ofBeta = 0f;
    if (gaussian == 0) {
      ofBeta = 1f / (beta - 1f);
    }
    int first = max(0, -coreRadius - px);
    int last = min(LANES - 1, coreRadius - px);
    for (int lane = first; lane <= last; lane++) {
      column_$private$[lane] = norm * sumX[lane];
      column_$private$[LANES + lane] = norm * sumY[lane];
      column_$private$[2 * LANES + lane] = norm * sum[lane];
      column_$private$[4 * LANES + lane] = norm * (sumA[lane] + sum[lane] * 0.5f * c / det);
      column_$private$[5 * LANES + lane] = norm * (sumB[lane] - sum[lane] * 0.25f * b / det);
      column_$private$[6 * LANES + lane] = norm * (sumC[lane] + sum[lane] * 0.5f * a / det);
      column_$private$[7 * LANES + lane] = norm * (sumBeta[lane] + sum[lane] * ofBeta);
    }
  }

  /**
   * The sixteen nodes about the star's own pixel that its residual is interpolated between: their
   * places in the tables, their weights and the slopes of these. Those of other pixels are as many
   * places further on, for nodes a pixel apart lie side by side.
   */
  private void residualShares(
      float number,
      float x,
      float y,
      int[] place_$private$,
      float[] share_$private$,
      float[] shareX_$private$,
      float[] shareY_$private$) {
    int start = ((int) number - 1) * residualSize;
    float tx = residualOrigin - residualSteps * x;
    float ty = residualOrigin - residualSteps * y;
    int ix = (int) tx;
    int iy = (int) ty;
    for (int j = 0; j < 4; j++) {
      int row = iy - 1 + j;
      int down = row / residualSteps;
      for (int i = 0; i < 4; i++) {
        int column = ix - 1 + i;
        int along = column / residualSteps;
        int phase = (row - down * residualSteps) * residualSteps + column - along * residualSteps;
        int k = 4 * j + i;
        place_$private$[k] = start + (phase * residualRows + down) * residualRow + along;
        share_$private$[k] = cubic(i, tx - ix) * cubic(j, ty - iy);
        shareX_$private$[k] = -residualSteps * cubicSlope(i, tx - ix) * cubic(j, ty - iy);
        shareY_$private$[k] = -residualSteps * cubic(i, tx - ix) * cubicSlope(j, ty - iy);
      }
    }
  }

  private void addResiduals(
      int px,
      int further,
      float x,
      int[] place_$private$,
      float[] share_$private$,
      float[] shareX_$private$,
      float[] shareY_$private$,
      float[] column_$private$) {
    int first = max(0, (int) floor(x - residualReach) + 1 - px);
    int end = min(LANES, (int) ceil(x + residualReach) - px);
    for (int k = 0; k < 16; k++) {
      int from = place_$private$[k] + further;
      float share = share_$private$[k];
      float shareX = shareX_$private$[k];
      float shareY = shareY_$private$[k];
      for (int lane = first; lane < end; lane++) {
        float value = residualTable[from + lane];
        column_$private$[lane] += shareX * value;
        column_$private$[LANES + lane] += shareY * value;
        column_$private$[2 * LANES + lane] += share * value;
      }
    }
  }

  /**
   * Weighs pixels of a row and adds their products to the sums.
   *
   * @param first place of the first pixel
   * @param lanes how many of them the stamp has
   */
  private void fill(
      int star,
      int first,
      int lanes,
      float[] column_$private$,
      float[] weight_$private$,
      float[] sum_$private$) {
    float[] empty = new float[LANES];
    float[] light = new float[LANES];
    float[] weight = new float[LANES];
    float[] rest = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      empty[lane] = 0f;
      light[lane] = 0f;
    }
    int read = min(LANES, lanes);
    for (int lane = 0; lane < read; lane++) {
      empty[lane] = variance[first + lane];
      light[lane] = target[first + lane];
    }
    float f = flux[star];
    float s = sky[star];
    float u = photon[star];
    float ofModel = modelVariance;
    for (int lane = 0; lane < LANES; lane++) {
      float own = f * column_$private$[2 * LANES + lane];
      float m = max(own, 0f);
      float all = empty[lane] + m * (u + ofModel * m);
      float r = light[lane] - own - s;
      float w = 0f;
      float pixel = 0f;
      if (empty[lane] > 0f) {
        w = CLIP / (all * max(abs(r) / sqrt(all), CLIP));
        pixel = 1f;
      }
      weight[lane] = w;
      rest[lane] = r;
      empty[lane] = pixel;
    }
    for (int lane = 0; lane < LANES; lane++) {
      column_$private$[lane] = f * column_$private$[lane];
      column_$private$[LANES + lane] = f * column_$private$[LANES + lane];
      column_$private$[3 * LANES + lane] = 1f;
      column_$private$[4 * LANES + lane] = f * column_$private$[4 * LANES + lane];
      column_$private$[5 * LANES + lane] = f * column_$private$[5 * LANES + lane];
      column_$private$[6 * LANES + lane] = f * column_$private$[6 * LANES + lane];
      column_$private$[7 * LANES + lane] = f * column_$private$[7 * LANES + lane];
      column_$private$[8 * LANES + lane] = rest[lane];
    }
    for (int lane = 0; lane < LANES; lane++) {
      weight_$private$[lane] = weight[lane];
    }
    int h = 0;
    for (int a = 0; a < COLUMNS; a++) {
      for (int lane = 0; lane < LANES; lane++) {
        light[lane] = weight[lane] * column_$private$[a * LANES + lane];
      }
      for (int b = 0; b <= a; b++) {
        for (int lane = 0; lane < LANES; lane++) {
          rest[lane] = light[lane] * column_$private$[b * LANES + lane];
        }
        for (int lane = 0; lane < LANES; lane++) {
          sum_$private$[h + lane] += rest[lane];
        }
        h += LANES;
      }
    }
    for (int lane = 0; lane < LANES; lane++) {
      sum_$private$[h + lane] += empty[lane];
    }
    for (int lane = 0; lane < read; lane++) {
      weights[first + lane] = weight[lane];
      left[first + lane] = column_$private$[(COLUMNS - 1) * LANES + lane];
    }
  }

  /**
   * Adds the products of pixels to the nodes that their residuals would be interpolated between.
   */
  private void addRowToGrid(
      int star, int px, int py, float[] weight_$private$, float[] column_$private$) {
    float[] product = new float[COLUMNS];
    int side = 2 * gridReach + 1;
    float tx = gridReach + PsfResidual.PAD - gridSteps * offsetX[star];
    float ty = gridReach + PsfResidual.PAD - gridSteps * offsetY[star];
    int ix = (int) tx;
    int iy = (int) ty;
    int start = gridOf[star] * side * side;
    for (int lane = 0; lane < LANES; lane++) {
      int firstColumn = gridSteps * (px + lane) + ix - PsfResidual.PAD - 1;
      int firstRow = gridSteps * py + iy - PsfResidual.PAD - 1;
      float weight = weight_$private$[lane] * flux[star];
      if (weight > 0f
          && firstColumn > -4
          && firstColumn < side
          && firstRow > -4
          && firstRow < side) {
        for (int a = 0; a < COLUMNS; a++) {
          product[a] = weight * column_$private$[a * LANES + lane];
        }
        for (int j = max(0, -firstRow); j < min(4, side - firstRow); j++) {
          for (int i = max(0, -firstColumn); i < min(4, side - firstColumn); i++) {
            float share = cubic(i, tx - ix) * cubic(j, ty - iy);
            int g = (start + (firstRow + j) * side + firstColumn + i) * gridColumns;
            for (int a = 0; a < COLUMNS; a++) {
              grid[g + a] += share * product[a];
            }
          }
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
