package org.starmill.psf;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums the normal system of a PSF star with the Vector API: the twin of {@link
 * PsfNormalKernel#item}.
 *
 * <p>Nine columns, the eight derivatives and the residual, are laid beside the weights for all
 * pixels of the stamp; the sums are their 45 weighted products, nine at a time. Agrees with the
 * scalar source to 1e-4 of the diagonal. One for each thread.
 */
final class PsfNormals {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  /** Column of the residual; those before are x, y, flux, sky, A, B, C, beta. */
  private static final int RESIDUAL = 8;

  private final PsfStamps stamps;
  private float[] weights = new float[0];
  private float[][] columns;

  PsfNormals(PsfKernel kernel) {
    stamps = new PsfStamps(kernel);
  }

  void sum(PsfNormalKernel kernel, int star) {
    int places = kernel.stride * (2 * kernel.stampRadius + 1);
    if (weights.length < places) {
      weights = new float[places];
      columns = new float[RESIDUAL + 1][places];
      Arrays.fill(columns[3], 1f);
    }
    stamps.shapes(
        kernel.form,
        star * PsfKernel.FORM,
        kernel.stampRadius,
        kernel.offsetX[star],
        kernel.offsetY[star]);
    int o = star * PsfNormalKernel.SUMS;
    kernel.sums[o + 45] = fill(kernel, star, places);
    float[] sums = kernel.sums;
    for (int rows = 0; rows <= RESIDUAL; rows += 3) {
      for (int others = 0; others <= rows; others += 3) {
        block(rows, others, places, sums, o);
      }
    }
    System.arraycopy(weights, 0, kernel.weights, star * places, places);
    System.arraycopy(columns[RESIDUAL], 0, kernel.left, star * places, places);
    if (kernel.gridSteps > 0 && kernel.gridOf[star] >= 0) {
      fillGrid(kernel, star);
    }
  }

  /** The sums of {@link PsfNormalKernel}'s grid: row by row, each pixel to its 4 x 4 nodes. */
  private void fillGrid(PsfNormalKernel kernel, int star) {
    int steps = kernel.gridSteps;
    int reach = kernel.gridReach;
    int side = 2 * reach + 1;
    int numbers = side * side * kernel.gridColumns;
    float[] grid = kernel.grid;
    int start = kernel.gridOf[star] * numbers;
    Arrays.fill(grid, start, start + numbers, 0f);
    float tx = reach + PsfResidual.PAD - steps * kernel.offsetX[star];
    float ty = reach + PsfResidual.PAD - steps * kernel.offsetY[star];
    int ix = (int) tx;
    int iy = (int) ty;
    double[] acrossX = PsfResidual.weights(tx - ix);
    double[] acrossY = PsfResidual.weights(ty - iy);
    int radius = Math.min(kernel.stampRadius, (reach + 2) / steps + 1);
    float[] products = new float[RESIDUAL + 1];
    for (int py = -radius; py <= radius; py++) {
      for (int px = -radius; px <= radius; px++) {
        int at = (py + kernel.stampRadius) * kernel.stride + px + kernel.stampRadius;
        float weight = weights[at] * kernel.flux[star];
        for (int a = 0; a <= RESIDUAL; a++) {
          products[a] = weight * columns[a][at];
        }
        for (int j = 0; j < 4; j++) {
          int row = steps * py + iy - PsfResidual.PAD - 1 + j;
          if (row < 0 || row >= side) {
            continue;
          }
          for (int i = 0; i < 4; i++) {
            int column = steps * px + ix - PsfResidual.PAD - 1 + i;
            if (column >= 0 && column < side) {
              float share = (float) (acrossX[i] * acrossY[j]);
              int g = start + (row * side + column) * kernel.gridColumns;
              for (int a = 0; a <= RESIDUAL; a++) {
                grid[g + a] += share * products[a];
              }
            }
          }
        }
      }
    }
  }

  /** Lays out the columns and the weights; gives the number of good pixels. */
  private float fill(PsfNormalKernel kernel, int star, int places) {
    float f = kernel.flux[star];
    float photon = kernel.photon[star];
    float sky = kernel.sky[star];
    float modelVariance = kernel.modelVariance;
    int from = star * places;
    FloatVector count = FloatVector.zero(FLOATS);
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    FloatVector none = FloatVector.zero(FLOATS);
    for (int at = 0; at < places; at += FLOATS.length()) {
      FloatVector variance = FloatVector.fromArray(FLOATS, kernel.variance, from + at);
      FloatVector p = FloatVector.fromArray(FLOATS, stamps.value, at);
      VectorMask<Float> good = variance.compare(VectorOperators.GT, 0f);
      FloatVector light = p.mul(f);
      FloatVector m = light.max(0f);
      FloatVector all = m.mul(m.mul(modelVariance).add(photon)).add(variance);
      FloatVector r = FloatVector.fromArray(FLOATS, kernel.target, from + at).sub(light).sub(sky);
      FloatVector pull = r.abs().div(all.sqrt()).max(PsfNormalKernel.CLIP);
      FloatVector weight = one.mul(PsfNormalKernel.CLIP).div(all.mul(pull));
      none.blend(weight, good).intoArray(weights, at);
      count = count.add(none.blend(one, good));
      FloatVector.fromArray(FLOATS, stamps.slopeX, at).mul(f).intoArray(columns[0], at);
      FloatVector.fromArray(FLOATS, stamps.slopeY, at).mul(f).intoArray(columns[1], at);
      p.intoArray(columns[2], at);
      FloatVector.fromArray(FLOATS, stamps.byA, at).mul(f).intoArray(columns[4], at);
      FloatVector.fromArray(FLOATS, stamps.byB, at).mul(f).intoArray(columns[5], at);
      FloatVector.fromArray(FLOATS, stamps.byC, at).mul(f).intoArray(columns[6], at);
      FloatVector.fromArray(FLOATS, stamps.byBeta, at).mul(f).intoArray(columns[7], at);
      r.intoArray(columns[RESIDUAL], at);
    }
    return count.reduceLanes(VectorOperators.ADD);
  }

  /** Nine weighted products of columns, three by three. */
  private void block(int rows, int others, int places, float[] sums, int o) {
    float[] a0 = columns[rows];
    float[] a1 = columns[rows + 1];
    float[] a2 = columns[rows + 2];
    float[] b0 = columns[others];
    float[] b1 = columns[others + 1];
    float[] b2 = columns[others + 2];
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s12 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s22 = s00;
    for (int at = 0; at < places; at += FLOATS.length()) {
      FloatVector w = FloatVector.fromArray(FLOATS, weights, at);
      FloatVector x0 = FloatVector.fromArray(FLOATS, b0, at).mul(w);
      FloatVector x1 = FloatVector.fromArray(FLOATS, b1, at).mul(w);
      FloatVector x2 = FloatVector.fromArray(FLOATS, b2, at).mul(w);
      FloatVector y = FloatVector.fromArray(FLOATS, a0, at);
      s00 = y.fma(x0, s00);
      s01 = y.fma(x1, s01);
      s02 = y.fma(x2, s02);
      y = FloatVector.fromArray(FLOATS, a1, at);
      s10 = y.fma(x0, s10);
      s11 = y.fma(x1, s11);
      s12 = y.fma(x2, s12);
      y = FloatVector.fromArray(FLOATS, a2, at);
      s20 = y.fma(x0, s20);
      s21 = y.fma(x1, s21);
      s22 = y.fma(x2, s22);
    }
    put(sums, o, rows, others, s00);
    put(sums, o, rows, others + 1, s01);
    put(sums, o, rows, others + 2, s02);
    put(sums, o, rows + 1, others, s10);
    put(sums, o, rows + 1, others + 1, s11);
    put(sums, o, rows + 1, others + 2, s12);
    put(sums, o, rows + 2, others, s20);
    put(sums, o, rows + 2, others + 1, s21);
    put(sums, o, rows + 2, others + 2, s22);
  }

  /** The lower triangle by rows; the row of the residual is the gradient and, last, chi^2. */
  private static void put(float[] sums, int o, int row, int column, FloatVector sum) {
    if (column <= row) {
      sums[o + row * (row + 1) / 2 + column] = sum.reduceLanes(VectorOperators.ADD);
    }
  }
}
