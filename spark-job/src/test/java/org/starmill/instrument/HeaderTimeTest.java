package org.starmill.instrument;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderTimeTest {
  @ParameterizedTest
  @CsvSource({
    // The epochs of the FITS standard 4.0, table 30 and of J2000.
    "2000-01-01T12:00:00, 51544.5",
    "1858-11-17T00:00:00, 0",
    "2451545.0, 51544.5",
    "58967.501713, 58967.501713",
    "2458968.001713, 58967.501713",
    "2020-04-28T12:02:28.003, 58967.501713",
    "2018-08-23T09:00:21Z, 58353.375243055554",
    "2016-12-31T23:59:60.5, 57754.000005787",
    "2024-05-13 01:59, 60443.08263888889"
  })
  void oneInstantHasManySpellings(String text, double mjd) {
    assertThat(HeaderTime.instant(text).orElse(Double.NaN)).isCloseTo(mjd, within(1e-8));
  }

  @Test
  void aDateAndATimeOfDayMakeAnInstant() {
    assertThat(HeaderTime.instant("2018-08-23", "09:00:21").orElseThrow())
        .isCloseTo(58353.375243055554, within(1e-9));
    assertThat(HeaderTime.instant("23/08/98", "12:00").orElseThrow()).isEqualTo(51048.5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "yesterday", "2024-13-01T00:00:00", "2024-02-30T00:00:00", "2024-05-13",
        "2024-05-13T25:00:00", "12", "1e9", "-1", "NaN"
      })
  void whatNamesNoInstantIsNone(String text) {
    assertThat(HeaderTime.instant(text)).isEmpty();
  }

  @Test
  void aNightGoesFromNoonToNoonAndIsNamedByItsEvening() {
    double evening = HeaderTime.instant("2024-05-13T02:00:00").orElseThrow();
    double morning = HeaderTime.instant("2024-05-13T12:30:00").orElseThrow();

    assertThat(HeaderTime.night(evening, 20)).isEqualTo("2024-05-12");
    assertThat(HeaderTime.night(morning, 20)).isEqualTo("2024-05-12");
    assertThat(HeaderTime.night(morning, 12)).isEqualTo("2024-05-13");
  }
}
