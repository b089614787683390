package org.starmill.measure;

import org.starmill.device.ItemKernel;

/**
 * Solves one star's normal system together with those of its neighbours, and moves the star.
 *
 * <p>The local system holds the blocks of {@link StarNormalKernel} of the neighbours and, last, of
 * the star: H on the diagonal, C beside it. Of its solution the star takes its own part alone, as
 * every neighbour takes its own from its own system: an overlapping Schwarz iteration (restricted
 * additive; Cai and Sarkis 1999, SIAM J. Sci. Comput. 21, 792) for the normal system of the whole
 * image, in which the work for a star is bounded and nobody writes what another reads. The Cholesky
 * triangle's last three rows give the star's step and, inverted, the covariance of its x, y and
 * flux with the neighbours' share in it.
 */
final class StarSolveKernel extends ItemKernel {
  /** Position errors of stars below this signal-to-noise are as if they had it. */
  private static final float LEAST_SIGNAL = 2f;

  /** Rows of the largest local system. */
  int rows;

  int[] chosen;
  int[] firstOf;
  int[] neighbour;
  float[] own;
  float[] cross;

  /** 1 to move the stars, 0 to find their errors alone. */
  int moving;

  /** Factor, 1 or more, on each star's diagonal: damps steps, does not change where they end. */
  float[] damping;

  /** Longest step, and farthest way from the anchor, pixels. */
  float longestStep;

  float longestWay;
  int[] centreX;
  int[] centreY;
  float[] anchorX;
  float[] anchorY;
  float[] offsetX;
  float[] offsetY;
  float[] flux;

  /** Out: size of the step in standard deviations; below 0 where the system is singular. */
  float[] moved;

  float[] errorX;
  float[] errorY;
  float[] errorFlux;

  /** {@link #places} of scratch an item: a triangle and a right side. */
  @Scratch float[] work;

  /** Scratch that a local system of so many rows takes. */
  static int places(int rows) {
    return rows * (rows + 3) / 2;
  }

  @Override
  public void item(int item) {
    solve(chosen[item], work, item * (rows * (rows + 3) / 2));
  }

  /** No vectors, but one place of work for all items, which stays in the nearest cache. */
  @Override
  protected void vectorItems(int from, int to) {
    float[] place = new float[places(rows)];
    for (int item = from; item < to; item++) {
      solve(chosen[item], place, 0);
    }
  }

  private void solve(int star, float[] work, int w) {
    int neighbours = firstOf[star + 1] - firstOf[star];
    int regular = 0;
    if (neighbours > 0) {
      regular = factor(star, work, w, neighbours);
    }
    if (regular == 0) {
      neighbours = 0;
      regular = factor(star, work, w, 0);
    }
    int n = 3 * neighbours;
    int right = w + rows * (rows + 1) / 2;
    if (regular == 0) {
      moved[star] = -1f;
      errorX[star] = 0f;
      errorY[star] = 0f;
      errorFlux[star] = 0f;
    } else {
      // Last three rows of the triangle: l00; l10, l11; l20, l21, l22.
      float l00 = work[w + n * (n + 1) / 2 + n];
      float l10 = work[w + (n + 1) * (n + 2) / 2 + n];
      float l11 = work[w + (n + 1) * (n + 2) / 2 + n + 1];
      float l20 = work[w + (n + 2) * (n + 3) / 2 + n];
      float l21 = work[w + (n + 2) * (n + 3) / 2 + n + 1];
      float l22 = work[w + (n + 2) * (n + 3) / 2 + n + 2];
      float f = work[right + n + 2] / l22;
      // No star more than doubles at one step, nor falls to less than nothing by more than noise.
      float most = max(flux[star], 5f / l22);
      f = max(-most, min(most, f));
      float b = (work[right + n + 1] - l21 * f) / l11;
      float a = (work[right + n] - l10 * b - l20 * f) / l00;
      // Inverse of the 3 x 3 triangle; its columns' squares are the variances.
      float i00 = 1f / l00;
      float i11 = 1f / l11;
      float i22 = 1f / l22;
      float i10 = -l10 * i00 * i11;
      float i21 = -l21 * i11 * i22;
      float i20 = -(l20 * i00 + l21 * i10) * i22;
      float error = i22;
      float bright = max(flux[star] + f, LEAST_SIGNAL * error);
      errorFlux[star] = error;
      errorX[star] = sqrt(i00 * i00 + i10 * i10 + i20 * i20) / bright;
      errorY[star] = sqrt(i11 * i11 + i21 * i21) / bright;
      if (moving == 1) {
        step(star, a, b, f, bright);
      }
    }
  }

  private void step(int star, float a, float b, float f, float bright) {
    int o = star * StarNormalKernel.OWN;
    float square =
        a * (own[o] * a + 2f * own[o + 1] * b + 2f * own[o + 3] * f)
            + b * (own[o + 2] * b + 2f * own[o + 4] * f)
            + f * own[o + 5] * f;
    moved[star] = sqrt(max(square, 0f));
    float dx = a / bright;
    float dy = b / bright;
    float longest = max(abs(dx), abs(dy));
    if (longest > longestStep) {
      dx = dx * longestStep / longest;
      dy = dy * longestStep / longest;
    }
    float fromX = centreX[star] - anchorX[star];
    float fromY = centreY[star] - anchorY[star];
    float x = fromX + offsetX[star] + dx;
    float y = fromY + offsetY[star] + dy;
    offsetX[star] = max(-longestWay, min(longestWay, x)) - fromX;
    offsetY[star] = max(-longestWay, min(longestWay, y)) - fromY;
    flux[star] = flux[star] + f;
  }

  /** Builds the local system, its triangle and the forward-substituted right side. */
  private int factor(int star, float[] work, int w, int neighbours) {
    int right = w + rows * (rows + 1) / 2;
    int first = firstOf[star];
    for (int block = 0; block <= neighbours; block++) {
      int one = star;
      if (block < neighbours) {
        one = neighbour[first + block];
      }
      int o = one * StarNormalKernel.OWN;
      int r0 = 3 * block;
      int d0 = w + r0 * (r0 + 1) / 2 + r0;
      int d1 = w + (r0 + 1) * (r0 + 2) / 2 + r0;
      int d2 = w + (r0 + 2) * (r0 + 3) / 2 + r0;
      work[d0] = own[o] * damping[one];
      work[d1] = own[o + 1];
      work[d1 + 1] = own[o + 2] * damping[one];
      work[d2] = own[o + 3];
      work[d2 + 1] = own[o + 4];
      work[d2 + 2] = own[o + 5] * damping[one];
      work[right + r0] = own[o + StarNormalKernel.GRADIENT];
      work[right + r0 + 1] = own[o + StarNormalKernel.GRADIENT + 1];
      work[right + r0 + 2] = own[o + StarNormalKernel.GRADIENT + 2];
      for (int before = 0; before < block; before++) {
        int two = neighbour[first + before];
        int found = -1;
        int turned = 0;
        if (block == neighbours) {
          found = first + before;
        } else {
          for (int k = firstOf[one]; k < firstOf[one + 1]; k++) {
            if (neighbour[k] == two) {
              found = k;
            }
          }
          if (found < 0) {
            for (int k = firstOf[two]; k < firstOf[two + 1]; k++) {
              if (neighbour[k] == one) {
                found = k;
                turned = 1;
              }
            }
          }
        }
        for (int i = 0; i < 3; i++) {
          int row = w + (r0 + i) * (r0 + i + 1) / 2 + 3 * before;
          for (int j = 0; j < 3; j++) {
            float value = 0f;
            if (found >= 0) {
              int element = 3 * i + j;
              if (turned == 1) {
                element = 3 * j + i;
              }
              value = cross[found * StarNormalKernel.CROSS + element];
            }
            work[row + j] = value;
          }
        }
      }
    }
    int n = 3 * (neighbours + 1);
    int regular = 1;
    for (int i = 0; i < n; i++) {
      int row = w + i * (i + 1) / 2;
      float rest = work[right + i];
      for (int j = 0; j <= i; j++) {
        int other = w + j * (j + 1) / 2;
        float sum = work[row + j];
        float diagonal = sum;
        for (int k = 0; k < j; k++) {
          sum -= work[row + k] * work[other + k];
        }
        if (i == j) {
          // Nothing but rounding is left of a diagonal that has lost all but a millionth.
          if (sum > 1e-6f * diagonal) {
            work[row + i] = sqrt(sum);
          } else {
            regular = 0;
            work[row + i] = 1f;
          }
        } else {
          work[row + j] = sum / work[other + j];
          rest -= work[row + j] * work[right + j];
        }
      }
      work[right + i] = rest / work[row + i];
    }
    return regular;
  }
}
