package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.SharedFolder;

/** Files that other projects keep since they once broke something. */
@Tag("full")
class OddFilesTest {
  @TempDir Path folder;

  @Test
  void oddFilesAmongGoodOnesEndAsRowsAndLeaveTheGoodOnesUnharmed() throws IOException {
    Path odd = SharedFolder.data("odd-fits");
    Path good = folder.resolve("good");
    SmallNight.simulate(good, 2);
    Path mixed = Files.createDirectories(folder.resolve("mixed"));
    copy(good, mixed);
    List<Path> oddFiles = copy(odd, mixed);

    SmallNight.run(good, folder.resolve("good catalog"));
    Path output = folder.resolve("mixed catalog");
    SmallNight.run(mixed, output);

    List<Row> rows =
        SmallNight.exposures(output).select("path", "status", "reason").collectAsList();
    for (Path file : oddFiles) {
      assertThat(rows)
          .as("row of %s", file.getFileName())
          .anyMatch(row -> row.getString(0).endsWith("/" + file.getFileName()));
    }
    assertThat(rows)
        .filteredOn(row -> row.getString(0).contains("/sci_"))
        .hasSize(2)
        .allMatch(row -> row.getString(1).equals("ok"));
    assertThat(rows)
        .filteredOn(row -> !row.getString(1).equals("ok"))
        .extracting(row -> row.getString(2))
        .allSatisfy(
            reason ->
                assertThat(reason)
                    .matches("[A-Za-z ]{4,}: .{10,}")
                    .doesNotStartWith("error")
                    .doesNotStartWith("internal error"));
    String stars = "flux, flux_err, x, y, ra, dec, chi2, flags";
    for (String image : List.of("sci_000001_g.fits", "sci_000002_g.fits")) {
      assertThat(starsOf(output, image, stars))
          .isEqualTo(starsOf(folder.resolve("good catalog"), image, stars));
    }
  }

  private static List<Row> starsOf(Path catalog, String image, String columns) {
    return SmallNight.sources(catalog)
        .join(
            SmallNight.exposures(catalog)
                .filter("path like '%/" + image + "'")
                .select("exposure_id"),
            "exposure_id")
        .orderBy("source_id")
        .selectExpr(columns.split(", "))
        .collectAsList();
  }

  private static List<Path> copy(Path from, Path to) throws IOException {
    List<Path> files =
        SmallNight.filesBelow(from).stream()
            .filter(file -> file.getFileName().toString().matches(".*\\.fi?ts?(\\..*)?"))
            .toList();
    for (Path file : files) {
      Files.copy(file, to.resolve(file.getFileName()));
    }
    return files;
  }
}
