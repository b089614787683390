package org.starmill.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Computes the Cramer-Rao bounds of stars that are fitted together with their neighbours.
 *
 * <p>The information matrix of a star and its neighbours is sum G G^T / V over the pixels, G the
 * derivatives of the expected image by each star's flux, x and y (Rao 1945); the bound is the root
 * of the diagonal of its inverse. A star's derivatives count within three FWHM of its centre.
 */
final class JointBounds {
  /** Significance from which on a star could be known and is fitted. */
  private static final double KNOWN = 3;

  private static final double REACH_FWHM = 3;
  private static final double STEP = 0.02;
  private static final int FREE = 3;

  /** The derivatives of one star's image: flux, x and y, plane after plane. */
  private record Slopes(int left, int bottom, int side, double[] values) {}

  private final StarTruth stars;
  private final StarPainter painter;
  private final double[] weight;
  private final int width;
  private final int height;
  private final Slopes[] slopes;

  /**
   * @param weight inverse variance of each pixel at response 1, 0 where it is not good; row-major
   */
  JointBounds(StarTruth stars, StarPainter painter, double[] weight, int width, int height) {
    this.stars = stars;
    this.painter = painter;
    this.weight = weight;
    this.width = width;
    this.height = height;
    slopes = new Slopes[stars.count()];
  }

  private boolean isKnown(int star) {
    return stars.flux()[star] > KNOWN * stars.fluxBound()[star];
  }

  StarBounds compute() {
    int count = stars.count();
    double[] flux = new double[count];
    double[] x = new double[count];
    double[] y = new double[count];
    NearbyStars nearby = new NearbyStars(stars.x(), stars.y(), 16);
    for (int i = 0; i < count; i++) {
      flux[i] = x[i] = y[i] = Double.NaN;
      if (isKnown(i)) {
        int star = i;
        List<Integer> group = new ArrayList<>(List.of(i));
        nearby.within(
            REACH_FWHM * stars.fwhm()[i],
            stars.x()[i],
            stars.y()[i],
            other -> {
              if (other != star && isKnown(other)) {
                group.add(other);
              }
            });
        double[] variance = variances(group);
        flux[i] = Math.sqrt(variance[0]);
        x[i] = Math.sqrt(variance[1]);
        y[i] = Math.sqrt(variance[2]);
      }
    }
    return new StarBounds(flux, x, y);
  }

  private Slopes slopes(int star) {
    if (slopes[star] == null) {
      double x = stars.x()[star];
      double y = stars.y()[star];
      int reach = (int) Math.ceil(REACH_FWHM * stars.fwhm()[star]);
      int side = 2 * reach + 1;
      int left = (int) Math.round(x) - reach;
      int bottom = (int) Math.round(y) - reach;
      double perPixel = stars.flux()[star] / (2 * STEP);
      double[] values = new double[FREE * side * side];
      double[] low = new double[side * side];
      double[] high = new double[side * side];
      painter.window(x, y, left, bottom, side, low);
      System.arraycopy(low, 0, values, 0, low.length);
      painter.window(x - STEP, y, left, bottom, side, low);
      painter.window(x + STEP, y, left, bottom, side, high);
      for (int i = 0; i < low.length; i++) {
        values[low.length + i] = perPixel * (high[i] - low[i]);
      }
      painter.window(x, y - STEP, left, bottom, side, low);
      painter.window(x, y + STEP, left, bottom, side, high);
      for (int i = 0; i < low.length; i++) {
        values[2 * low.length + i] = perPixel * (high[i] - low[i]);
      }
      slopes[star] = new Slopes(left, bottom, side, values);
    }
    return slopes[star];
  }

  /** Variances of flux, x and y of the first star of a group. */
  private double[] variances(List<Integer> group) {
    int size = FREE * group.size();
    double[][] information = new double[size][size];
    for (int a = 0; a < group.size(); a++) {
      for (int b = 0; b <= a; b++) {
        add(information, a, slopes(group.get(a)), b, slopes(group.get(b)));
      }
    }
    return firstVariances(information);
  }

  private void add(double[][] information, int a, Slopes one, int b, Slopes other) {
    int fromX = Math.max(0, Math.max(one.left, other.left));
    int toX = Math.min(width, Math.min(one.left + one.side, other.left + other.side));
    int fromY = Math.max(0, Math.max(one.bottom, other.bottom));
    int toY = Math.min(height, Math.min(one.bottom + one.side, other.bottom + other.side));
    for (int p = 0; p < FREE; p++) {
      for (int q = 0; q < FREE; q++) {
        double sum = 0;
        for (int y = fromY; y < toY; y++) {
          int i = (p * one.side + y - one.bottom) * one.side - one.left;
          int j = (q * other.side + y - other.bottom) * other.side - other.left;
          for (int x = fromX; x < toX; x++) {
            sum += one.values[i + x] * other.values[j + x] * weight[y * width + x];
          }
        }
        information[FREE * a + p][FREE * b + q] = sum;
      }
    }
  }

  /** The first three diagonal values of the inverse, by Cholesky's factors of the lower half. */
  static double[] firstVariances(double[][] information) {
    int size = information.length;
    double[] scale = new double[size];
    for (int i = 0; i < size; i++) {
      scale[i] = 1 / Math.sqrt(information[i][i]);
    }
    double[][] lower = new double[size][size];
    for (int i = 0; i < size; i++) {
      for (int j = 0; j <= i; j++) {
        double sum = information[i][j] * scale[i] * scale[j];
        for (int k = 0; k < j; k++) {
          sum -= lower[i][k] * lower[j][k];
        }
        if (i == j) {
          if (!(sum > 1e-12)) {
            double[] unknown = new double[FREE];
            Arrays.fill(unknown, Double.POSITIVE_INFINITY);
            return unknown;
          }
          lower[i][i] = Math.sqrt(sum);
        } else {
          lower[i][j] = sum / lower[j][j];
        }
      }
    }
    double[] variances = new double[FREE];
    for (int free = 0; free < FREE; free++) {
      double[] column = new double[size];
      for (int i = free; i < size; i++) {
        double sum = i == free ? 1 : 0;
        for (int k = free; k < i; k++) {
          sum -= lower[i][k] * column[k];
        }
        column[i] = sum / lower[i][i];
        variances[free] += column[i] * column[i];
      }
      variances[free] *= scale[free] * scale[free];
    }
    return variances;
  }
}
