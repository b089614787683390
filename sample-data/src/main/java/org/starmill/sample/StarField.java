package org.starmill.sample;

import java.util.Arrays;

/**
 * The stars of a field: uniform positions, magnitudes from a power law.
 *
 * <p>The first {@code count} stars lie on the frame, [-0.5, width - 0.5) by [-0.5, height - 0.5);
 * then come those within a margin around it, at the same density.
 */
record StarField(double[] x, double[] y, double[] flux, double[] mag) {

  static StarField of(CameraSettings settings, Dice dice) {
    int width = settings.chip().width();
    int height = settings.chip().height();
    CameraSettings.Stars stars = settings.stars();
    double margin = 8 * settings.psf().fwhm();
    double area = (width + 2 * margin) * (height + 2 * margin) / ((double) width * height);
    int count = stars.count();
    int total = (int) Math.round(count * area);
    double[] x = new double[total];
    double[] y = new double[total];
    double[] flux = new double[total];
    double[] mag = new double[total];
    double range = stars.slope() * (stars.faintest() - stars.brightest()) * Math.log(10);
    double least = Math.exp(-range);
    for (int i = 0; i < total; i++) {
      if (i < count) {
        x[i] = dice.uniform(-0.5, width - 0.5);
        y[i] = dice.uniform(-0.5, height - 0.5);
      } else {
        do {
          x[i] = dice.uniform(-0.5 - margin, width - 0.5 + margin);
          y[i] = dice.uniform(-0.5 - margin, height - 0.5 + margin);
        } while (x[i] >= -0.5 && x[i] < width - 0.5 && y[i] >= -0.5 && y[i] < height - 0.5);
      }
      // The cumulative number up to m is (10^(s m) - 10^(s bright)) / (10^(s faint) - ...).
      double u = dice.uniform();
      mag[i] =
          stars.faintest() + Math.log(least + u * (1 - least)) / (stars.slope() * Math.log(10));
      flux[i] = settings.fluxOf(mag[i]);
    }
    return new StarField(x, y, flux, mag);
  }

  /** The same stars, each moved. */
  StarField shifted(double right, double up) {
    if (right == 0 && up == 0) {
      return this;
    }
    return new StarField(
        Arrays.stream(x).map(place -> place + right).toArray(),
        Arrays.stream(y).map(place -> place + up).toArray(),
        flux,
        mag);
  }

  /** Distance of each star to the nearest one brighter than 1 % of it, at most the limit. */
  double[] neighbourDistances(double limit) {
    double lowX = Double.POSITIVE_INFINITY;
    double lowY = Double.POSITIVE_INFINITY;
    double highX = Double.NEGATIVE_INFINITY;
    double highY = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < x.length; i++) {
      lowX = Math.min(lowX, x[i]);
      lowY = Math.min(lowY, y[i]);
      highX = Math.max(highX, x[i]);
      highY = Math.max(highY, y[i]);
    }
    double[] distance = new double[x.length];
    if (x.length == 0) {
      return distance;
    }
    int cellsX = (int) ((highX - lowX) / limit) + 1;
    int cellsY = (int) ((highY - lowY) / limit) + 1;
    int[] first = new int[cellsX * cellsY];
    Arrays.fill(first, -1);
    int[] next = new int[x.length];
    int[] cell = new int[x.length];
    for (int i = 0; i < x.length; i++) {
      cell[i] = (int) ((y[i] - lowY) / limit) * cellsX + (int) ((x[i] - lowX) / limit);
      next[i] = first[cell[i]];
      first[cell[i]] = i;
    }
    for (int i = 0; i < x.length; i++) {
      double nearest = limit * limit;
      int column = cell[i] % cellsX;
      int row = cell[i] / cellsX;
      for (int cy = Math.max(0, row - 1); cy <= Math.min(cellsY - 1, row + 1); cy++) {
        for (int cx = Math.max(0, column - 1); cx <= Math.min(cellsX - 1, column + 1); cx++) {
          for (int j = first[cy * cellsX + cx]; j >= 0; j = next[j]) {
            double dx = x[j] - x[i];
            double dy = y[j] - y[i];
            double squared = dx * dx + dy * dy;
            if (squared < nearest && j != i && flux[j] > 0.01 * flux[i]) {
              nearest = squared;
            }
          }
        }
      }
      distance[i] = Math.sqrt(nearest);
    }
    return distance;
  }
}
