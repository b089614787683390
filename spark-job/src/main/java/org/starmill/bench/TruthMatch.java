package org.starmill.bench;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.starmill.measure.Stars;
import org.starmill.sample.NearbyStars;
import org.starmill.sample.StarTruth;

/**
 * Says which measured star stands for which true one.
 *
 * <p>The true stars choose, brightest first: each takes the nearest measured one within half a
 * FWHM, at least a pixel (of a saturated star: twice that), that no brighter star took, unless
 * another true star of at least half its flux lies nearer to it. So the companion of a close pair
 * cannot have the primary's measurement for its own. What then is left on both sides is paired in
 * the same order, without that exception.
 *
 * @param measured for each true star the index of its measured one, -1 for none
 * @param truth for each measured star the index of its true one, -1 for none
 * @param isTrue for each measured star whether true stars explain it: one is its own, and those as
 *     near to it (or its own alone) have at least half its flux
 */
record TruthMatch(int[] measured, int[] truth, boolean[] isTrue) {
  /** Pixels; errors of faint stars' positions grow with the FWHM. */
  private static final double LEAST_RADIUS = 1;

  private static final double RADIUS_IN_FWHM = 0.5;

  /** Share of a star's flux that makes another star a rival for a measurement. */
  private static final double RIVAL_SHARE = 0.5;

  /** Share of the measured flux that true stars must have. */
  private static final double EXPLAINED_SHARE = 0.5;

  static TruthMatch of(StarTruth truth, Stars stars, double fwhm) {
    double usual = Math.max(LEAST_RADIUS, RADIUS_IN_FWHM * fwhm);
    int[] measured = new int[truth.count()];
    int[] own = new int[stars.count()];
    Arrays.fill(measured, -1);
    Arrays.fill(own, -1);
    NearbyStars detections = new NearbyStars(stars.x(), stars.y(), 4);
    NearbyStars trueStars = new NearbyStars(truth.x(), truth.y(), 4);
    int[] brightestFirst =
        IntStream.range(0, truth.count())
            .boxed()
            .sorted((a, b) -> Double.compare(truth.flux()[b], truth.flux()[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (boolean yields : new boolean[] {true, false}) {
      for (int i : brightestFirst) {
        if (measured[i] >= 0) {
          continue;
        }
        double radius = truth.saturated()[i] ? 2 * usual : usual;
        int[] best = {-1};
        double[] nearest = {radius};
        detections.within(
            radius,
            truth.x()[i],
            truth.y()[i],
            k -> {
              double distance = distance(truth, i, stars, k);
              if (own[k] < 0
                  && distance < nearest[0]
                  && !(yields && hasRival(truth, trueStars, measured, i, stars, k, distance))) {
                nearest[0] = distance;
                best[0] = k;
              }
            });
        if (best[0] >= 0) {
          measured[i] = best[0];
          own[best[0]] = i;
        }
      }
    }
    boolean[] isTrue = new boolean[stars.count()];
    for (int k = 0; k < isTrue.length; k++) {
      if (own[k] >= 0) {
        double[] flux = {0};
        trueStars.within(usual, stars.x()[k], stars.y()[k], star -> flux[0] += truth.flux()[star]);
        isTrue[k] = Math.max(flux[0], truth.flux()[own[k]]) >= EXPLAINED_SHARE * stars.flux()[k];
      }
    }
    return new TruthMatch(measured, own, isTrue);
  }

  private static double distance(StarTruth truth, int i, Stars stars, int k) {
    return Math.hypot(truth.x()[i] - stars.x()[k], truth.y()[i] - stars.y()[k]);
  }

  private static boolean hasRival(
      StarTruth truth,
      NearbyStars trueStars,
      int[] measured,
      int i,
      Stars stars,
      int k,
      double distance) {
    boolean[] found = {false};
    trueStars.within(
        distance,
        stars.x()[k],
        stars.y()[k],
        other ->
            found[0] |=
                other != i
                    && measured[other] < 0
                    && truth.flux()[other] > RIVAL_SHARE * truth.flux()[i]);
    return found[0];
  }
}
