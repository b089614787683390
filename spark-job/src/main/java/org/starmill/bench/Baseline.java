package org.starmill.bench;

import java.util.List;

/**
 * Starmill's fit of all stars together beside a library's fit of one star after the other.
 *
 * @param device that Starmill ran on, with one thread
 * @param models a row a PSF model, each on a field of its own
 * @param curves time against number of stars; empty where no plot was asked for
 */
public record Baseline(String device, List<Comparison> models, List<Curve> curves) {

  /**
   * What was found for one model; both fit x, y, flux and sky on the same pixels and weights.
   *
   * @param model "Moffat" or "Gaussian"
   * @param stars that Starmill fitted together
   * @param compared that were fitted one by one, none with a neighbour near
   * @param leastSquaresMicros CPU time a star of Levenberg-Marquardt, microseconds
   * @param starmillMicros CPU time a star of one pass of the fit, microseconds
   * @param ratio of the two
   * @param fluxDifference median of Starmill's flux over the other, less 1
   * @param fluxWidth robust width of the difference of the fluxes over their standard deviation
   * @param within share of the stars whose fluxes agree to a tenth of a standard deviation
   */
  public record Comparison(
      String model,
      int stars,
      int compared,
      double leastSquaresMicros,
      double starmillMicros,
      double ratio,
      double fluxDifference,
      double fluxWidth,
      double within) {}

  /**
   * Wall seconds of fits of different numbers of stars.
   *
   * @param name of what fitted them
   * @param stars how many there were
   * @param seconds of one pass of the fit over all of them
   */
  public record Curve(String name, List<Integer> stars, List<Double> seconds) {}
}
