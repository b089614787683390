package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.starmill.instrument.ImageType;

class StarsExpectedTest {
  private final StarsExpected expected = new StarsExpected();

  private static PlannedFrame frame(String field, Double ra, Double dec) {
    return new PlannedFrame(
        7,
        "file:/n/7.fits",
        0,
        2880,
        ImageType.SCIENCE,
        "2024-05-12",
        "3",
        "1",
        "r",
        1000,
        1000,
        null,
        null,
        null,
        null,
        field,
        ra,
        dec);
  }

  /** Galactic latitudes of well-known objects. */
  @ParameterizedTest
  @CsvSource({
    "266.41684, -29.00781, -0.046, Sagittarius A*",
    "192.85948, 27.12825, 90, the pole",
    "10.68471, 41.26875, -21.573, M 31",
    "279.23473, 38.78369, 19.237, Vega",
    "201.29825, -11.16132, 50.845, Spica"
  })
  void theGalacticLatitudeIsThatOfTheCatalogs(double ra, double dec, double latitude) {
    assertThat(StarsExpected.galacticLatitude(ra, dec)).isCloseTo(latitude, within(0.002));
  }

  @Test
  void aFieldInTheMilkyWayIsExpectedToHaveThirtyTimesTheStarsOfOneAtThePole() {
    double plane = expected.stars(frame("a", 266.41684, -29.00781));
    double pole = expected.stars(frame("b", 192.85948, 27.12825));
    assertThat(plane / pole).isBetween(25.0, 30.0);
    assertThat(expected.stars(frame("c", null, null))).isBetween(pole, plane);
  }

  @Test
  void whatWasCountedInTheFieldCountsMoreThanItsLatitudeAndSetsTheScaleOfOthers() {
    PlannedFrame counted = frame("a", 100.0, 0.0);
    PlannedFrame beside = frame("b", 100.0, 0.0);
    double before = expected.stars(beside);
    expected.learn(counted, (int) (3 * before));
    expected.learn(counted, (int) (5 * before));
    assertThat(expected.stars(counted)).isCloseTo(4 * before, within(2.0));
    assertThat(expected.stars(beside)).isCloseTo(4 * before, within(2.0));
    expected.learn(frame("c", null, null), 17);
    assertThat(expected.stars(frame("c", null, null))).isEqualTo(17);
    assertThat(expected.stars(frame("d", null, null))).isEqualTo(2000);
    assertThat(expected.stars(frame("", null, null))).isEqualTo(2000);
  }

  @Test
  void starsCostMoreThanPixelsAndAFrameThatIsNotMeasuredNextToNothing() {
    expected.learn(frame("empty", null, null), 0);
    expected.learn(frame("dense", null, null), 50_000);
    double empty = expected.cost(item("empty"));
    assertThat(expected.cost(item("dense"))).isGreaterThan(20 * empty);
    assertThat(expected.cost(WorkItem.notMeasured(frame("dense", null, null), "no bias: none")))
        .isLessThan(empty / 5);
  }

  private static WorkItem item(String field) {
    return new WorkItem(frame(field, null, null), null, null, null, null);
  }
}
