package org.starmill.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClosingTableTest {
  private static Map<String, Double> steps() {
    Map<String, Double> seconds = new LinkedHashMap<>();
    seconds.put("read", 0.25);
    seconds.put("calibrate", 0.125);
    seconds.put("sky", Double.NaN);
    seconds.put("measure", 12.5);
    return seconds;
  }

  @Test
  void theTableTellsImagesStarsFailuresAndSecondsInAlignedColumns() {
    ClosingTable table =
        new ClosingTable(
            1234,
            20_450_000,
            3725,
            Map.of("no WCS", 3L),
            Map.of("no stars", 2L, "truncated file", 11L),
            6,
            steps(),
            "/data/out");
    assertThat(table.text().lines())
        .containsExactly(
            "images                 1,234",
            "stars             20,450,000",
            "partial                    3",
            "  no WCS                   3",
            "failed                    13",
            "  truncated file          11",
            "  no stars                 2",
            "frames not used            6",
            "took               1 h 2 min",
            "images a minute           20",
            "seconds an image      12.875",
            "  read                 0.250",
            "  calibrate            0.125",
            "  sky                      -",
            "  measure             12.500",
            "catalog           /data/out");
  }

  @Test
  void aRunWithoutImagesHasATableToo() {
    assertThat(new ClosingTable(0, 0, 0, Map.of(), Map.of(), 0, Map.of(), "out").text().lines())
        .containsExactly(
            "images      0", "stars       0", "failed      0", "took    0.0 s", "catalog  out");
  }
}
