package org.starmill.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.starmill.measure.Stars;
import org.starmill.sample.StarTruth;

class TruthMatchTest {
  /** True stars, each as x, y, flux, and 1 if it is saturated. */
  private static StarTruth truth(double[]... stars) {
    int count = stars.length;
    double[] none = new double[count];
    boolean[] saturated = new boolean[count];
    boolean[] inside = new boolean[count];
    Arrays.fill(inside, true);
    for (int i = 0; i < count; i++) {
      saturated[i] = stars[i].length > 3 && stars[i][3] == 1;
    }
    return new StarTruth(
        column(stars, 0),
        column(stars, 1),
        none,
        none,
        column(stars, 2),
        none,
        none,
        none,
        inside,
        saturated,
        none);
  }

  /** Measured stars, each as x, y, flux. */
  private static Stars measured(double[]... stars) {
    float[] none = new float[stars.length];
    float[] flux = new float[stars.length];
    for (int i = 0; i < flux.length; i++) {
      flux[i] = (float) stars[i][2];
    }
    return BenchSamples.stars(column(stars, 0), column(stars, 1), flux, none);
  }

  private static double[] column(double[][] rows, int column) {
    return Arrays.stream(rows).mapToDouble(row -> row[column]).toArray();
  }

  private static TruthMatch match(StarTruth truth, Stars stars) {
    return TruthMatch.of(truth, stars, 2);
  }

  @Test
  void aStarIsTheMeasuredOneNearestToIt() {
    TruthMatch match =
        match(
            truth(new double[] {10, 10, 100}, new double[] {30, 30, 50}),
            measured(
                new double[] {10.4, 10, 40},
                new double[] {10.1, 10, 95},
                new double[] {31.2, 30, 50}));
    assertThat(match.measured()).containsExactly(1, -1);
    assertThat(match.truth()).containsExactly(-1, 0, -1);
  }

  @Test
  void theCompanionOfACloseCoupleCannotHaveThePrimarysMeasurement() {
    TruthMatch match =
        match(
            truth(new double[] {10.3, 10, 60}, new double[] {9.7, 10, 100}),
            measured(new double[] {9.9, 10, 160}));
    assertThat(match.measured()).containsExactly(-1, 0);
    assertThat(match.isTrue()).containsExactly(true);
  }

  @Test
  void aStarThatWasNotFoundLeavesANearbyMeasurementToTheStarItIsOf() {
    TruthMatch match =
        match(
            truth(new double[] {10, 10, 100}, new double[] {10.9, 10, 80}),
            measured(new double[] {10.8, 10, 80}));
    assertThat(match.measured()).containsExactly(-1, 0);
  }

  @Test
  void aStarSplitInTwoIsOneStarAndOneFalse() {
    TruthMatch match =
        match(
            truth(new double[] {10, 10, 100}),
            measured(new double[] {9.8, 10, 60}, new double[] {10.7, 10, 40}));
    assertThat(match.measured()).containsExactly(0);
    assertThat(match.isTrue()).containsExactly(true, false);
  }

  @Test
  void aFaintStarDoesNotExplainABrightMeasurement() {
    TruthMatch match =
        match(truth(new double[] {10, 10, 10}), measured(new double[] {10.2, 10, 100}));
    assertThat(match.isTrue()).containsExactly(false);
  }

  @Test
  void aSaturatedStarIsLookedForWithinTwoPixels() {
    StarTruth truth = truth(new double[] {10, 10, 100, 1}, new double[] {30, 10, 100, 0});
    TruthMatch match =
        match(truth, measured(new double[] {11.5, 10, 100}, new double[] {31.5, 10, 100}));
    assertThat(match.measured()).containsExactly(0, -1);
    assertThat(match.isTrue()).containsExactly(true, false);
  }

  @Test
  void aBlurredStarIsLookedForWithinHalfItsWidth() {
    TruthMatch match =
        TruthMatch.of(
            truth(new double[] {10, 10, 100}, new double[] {30, 10, 100}),
            measured(new double[] {12.9, 10, 100}, new double[] {33.1, 10, 100}),
            6);
    assertThat(match.measured()).containsExactly(0, -1);
    assertThat(match.isTrue()).containsExactly(true, false);
  }
}
