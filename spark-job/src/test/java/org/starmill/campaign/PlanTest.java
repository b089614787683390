package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is planned, in which order, and what is known of it before any image is measured. */
class PlanTest {
  @TempDir Path folder;

  private void frames(int count, String type, String night, String ccd, String filter) {
    for (int i = 0; i < count; i++) {
      HeaderOnly.write(
          folder.resolve("in/%s/%s-%s-%s-%d.fits".formatted(night, type, ccd, filter, i)),
          type,
          night,
          ccd,
          filter);
    }
  }

  private CampaignRequest request(String... settings) {
    return SmallNight.request(folder.resolve("in"), folder.resolve("out"), settings);
  }

  private Campaign plan(String... settings) {
    return new CampaignRun(SmallNight.spark(), request(settings), SmallNight.SILENCE).plan();
  }

  private List<Row> planned() {
    return SmallNight.spark()
        .read()
        .option("recursiveFileLookup", true)
        .parquet(folder.resolve("out/plan").toString())
        .orderBy("exposure_id")
        .collectAsList();
  }

  @Test
  void framesOfADetectorFilterAndNightSitTogetherAndAreNumberedFromZero() {
    for (String night : List.of("2024-05-11", "2024-05-10", "2024-06-01")) {
      for (String ccd : List.of("2", "11", "1")) {
        frames(2, "bias", night, ccd, null);
        frames(2, "science", night, ccd, "r");
        frames(1, "science", night, ccd, "g");
      }
    }
    plan();
    List<Row> rows = planned();
    assertThat(rows).hasSize(45);
    List<String> order = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      assertThat(rows.get(i).<Long>getAs("exposure_id")).isEqualTo(i);
      String key = rows.get(i).getAs("ccd") + rows.get(i).<String>getAs("filter");
      order.add(key + rows.get(i).<String>getAs("night"));
    }
    Set<String> runs = new HashSet<>();
    for (int i = 0; i < order.size(); i++) {
      if (i == 0 || !order.get(i).equals(order.get(i - 1))) {
        assertThat(runs.add(order.get(i))).as("%s comes twice", order.get(i)).isTrue();
      }
    }
    assertThat(runs).hasSize(27);
  }

  @Test
  void aPlanOfManyFilesIsNumberedWithoutGapAcrossThem() throws IOException {
    Campaign campaign =
        Campaign.openOrPrepare(
            folder.resolve("out").toString(),
            new Campaign.Identity("night", "generic", "hash", "1", "2026-01-01T00:00:00Z"),
            false,
            SmallNight.spark().sparkContext().hadoopConfiguration());
    campaign.establish();
    Plan plan = new Plan(SmallNight.spark(), campaign);
    Dataset<Row> made = SyntheticSurvey.frames(SmallNight.spark(), 250_000);
    plan.append(made, 250_000, 7);
    Dataset<Row> rows = plan.frames();
    Row numbers =
        rows.selectExpr(
                "count(*)", "count(distinct exposure_id)", "min(exposure_id)", "max(exposure_id)")
            .head();
    assertThat(numbers.getLong(0)).isEqualTo(250_000);
    assertThat(numbers.getLong(1)).isEqualTo(250_000);
    assertThat(numbers.getLong(2)).isEqualTo(7);
    assertThat(numbers.getLong(3)).isEqualTo(250_006);
    assertThat(rows.rdd().getNumPartitions()).isGreaterThan(1);
    // Each file has a stretch of numbers of its own, in the order that the frames are sorted by.
    assertThat(
            rows.selectExpr("_metadata.file_name as file", "exposure_id")
                .groupBy("file")
                .agg(
                    org.apache.spark.sql.functions.expr(
                        "max(exposure_id) - min(exposure_id) + 1 - count(*)"))
                .collectAsList())
        .hasSize(3)
        .allMatch(row -> row.getLong(1) == 0);
    long outOfOrder =
        rows.selectExpr(
                "exposure_id",
                "struct(ccd, filter, night, quadrant, path, hdu) as place",
                "lag(struct(ccd, filter, night, quadrant, path, hdu)) over (order by exposure_id) as before")
            .filter("place <= before")
            .count();
    assertThat(outOfOrder).isZero();
  }

  @Test
  void framesThatArriveLaterAreAddedAndNoNumberChanges() {
    frames(3, "bias", "2024-05-11", "1", null);
    frames(2, "science", "2024-05-11", "1", "r");
    plan();
    List<Row> before = planned();
    frames(3, "bias", "2024-05-09", "1", null);
    frames(2, "science", "2024-05-09", "1", "r");
    plan();
    List<Row> after = planned();
    assertThat(after.subList(0, 5)).isEqualTo(before);
    assertThat(after).hasSize(10);
    assertThat(after.subList(5, 10))
        .allMatch(row -> row.<String>getAs("night").equals("2024-05-09"));
    List<Path> files = SmallNight.filesBelow(folder.resolve("out/plan"));
    plan();
    assertThat(SmallNight.filesBelow(folder.resolve("out/plan"))).isEqualTo(files);
  }

  @Test
  void scienceWithoutCalibrationIsKnownBeforeTheRun() {
    frames(3, "bias", "2024-05-11", "1", null);
    frames(3, "flat", "2024-05-11", "1", "r");
    frames(4, "science", "2024-05-11", "1", "r");
    frames(2, "science", "2024-05-20", "1", "r");
    frames(3, "science", "2024-05-11", "1", "g");
    frames(1, "science", "2024-05-11", "2", "r");
    Campaign campaign = plan();

    PlanSummary anyNight = PlanSummary.of(SmallNight.spark(), campaign, request());
    assertThat(anyNight.withoutBias()).isEqualTo(1);
    assertThat(anyNight.withoutFlat()).isEqualTo(3);
    assertThat(anyNight.uncalibrated())
        .extracting(
            PlanSummary.Uncalibrated::ccd,
            PlanSummary.Uncalibrated::filter,
            PlanSummary.Uncalibrated::frames,
            PlanSummary.Uncalibrated::status)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("1", "g", 3L, "failed"),
            org.assertj.core.groups.Tuple.tuple("2", "r", 1L, "failed"));

    CampaignRequest near = request("masters.farthest-night=5", "masters.flat=optional");
    PlanSummary nearNights = PlanSummary.of(SmallNight.spark(), campaign, near);
    assertThat(nearNights.withoutBias()).isEqualTo(3);
    assertThat(nearNights.withoutFlat()).isEqualTo(3);
    assertThat(nearNights.uncalibrated().get(0).status()).isEqualTo("partial");
    assertThat(nearNights.uncalibrated().get(1).reason())
        .startsWith("no bias: ")
        .contains("within 5 nights of 2024-05-20")
        .contains("masters.farthest-night");
  }

  @Test
  void theRunFindsFaultWithTheVeryFramesThatThePlanNamed() {
    frames(2, "bias", "2024-05-11", "1", null);
    frames(3, "bias", "2024-05-11", "2", null);
    frames(2, "science", "2024-05-11", "1", "r");
    frames(1, "science", "2024-05-11", "2", "r");
    frames(1, "science", "2024-05-30", "2", "r");
    String[] settings = {"masters.farthest-night=9"};
    Campaign campaign = plan(settings);
    PlanSummary summary = PlanSummary.of(SmallNight.spark(), campaign, request(settings));
    SmallNight.run(folder.resolve("in"), folder.resolve("out"), settings);
    List<String> foretold = new ArrayList<>();
    for (PlanSummary.Uncalibrated group : summary.uncalibrated()) {
      foretold.addAll(Collections.nCopies((int) group.frames(), group.reason()));
    }
    List<String> found = new ArrayList<>();
    for (Row row :
        SmallNight.exposures(folder.resolve("out"))
            .filter("image_type = 'science'")
            .collectAsList()) {
      found.add(row.getAs("reason"));
    }
    assertThat(found).hasSize(4).containsExactlyInAnyOrderElementsOf(foretold);
    assertThat(
            SmallNight.exposures(folder.resolve("out"))
                .filter("reason like 'not used: no image needs this bias%'")
                .count())
        .isEqualTo(2);
  }

  @Test
  void whatARunCostsIsEstimatedFromPixelsAndStars() throws IOException {
    frames(3, "bias", "2024-05-11", "1", null);
    frames(3, "flat", "2024-05-11", "1", "r");
    frames(4, "science", "2024-05-11", "1", "r");
    frames(3, "science", "2024-05-11", "1", "g");
    String[] settings = {
      "cost.java.megapixel=1000",
      "cost.java.thousand-stars=10",
      "cost.opencl-cpu.megapixel=none",
      "cost.stars-megapixel=50000",
      "cost.bytes-star=100"
    };
    Campaign campaign = plan();
    CostEstimate estimate = CostEstimate.of(SmallNight.spark(), campaign, request(settings));
    // Images in g have no flat and will not be measured. 4 images of 8 x 6 pixels:
    assertThat(estimate.images()).isEqualTo(4);
    assertThat(estimate.bytes()).isEqualTo(4 * 5760);
    assertThat(estimate.megapixels()).isCloseTo(192e-6, within(1e-12));
    assertThat(estimate.stars()).isCloseTo(9.6, within(1e-9));
    assertThat(estimate.outputBytes()).isCloseTo(960, within(1e-6));
    assertThat(estimate.costs())
        .singleElement()
        .satisfies(
            cost -> {
              assertThat(cost.device()).isEqualTo("java");
              assertThat(cost.coreHours()).isCloseTo((0.192 + 0.096) / 3600, within(1e-12));
            });
    assertThat(
            CostEstimate.of(SmallNight.spark(), campaign, request("masters.flat=optional"))
                .images())
        .isEqualTo(7);
  }

  @Test
  void onceImagesAreMeasuredTheirStarsAreExpectedOnTheOthers() throws IOException {
    Campaign campaign =
        Campaign.openOrPrepare(
            folder.resolve("out").toString(),
            new Campaign.Identity("night", "generic", "hash", "1", "2026-01-01T00:00:00Z"),
            false,
            SmallNight.spark().sparkContext().hadoopConfiguration());
    campaign.establish();
    Plan plan = new Plan(SmallNight.spark(), campaign);
    int frames = 2 * SyntheticSurvey.NIGHT;
    plan.append(SyntheticSurvey.frames(SmallNight.spark(), frames), frames, 0);
    SyntheticSurvey.measure(SmallNight.spark(), campaign, plan, frames / 4, 3);
    CostEstimate estimate = CostEstimate.of(SmallNight.spark(), campaign, request());
    long science = 2 * 64 * 3 * 175;
    long rows = SmallNight.exposures(folder.resolve("out")).count();
    assertThat(rows).isGreaterThan(10_000);
    assertThat(estimate.images()).isEqualTo(science - rows);
    assertThat(estimate.measuredImages()).isLessThan(rows).isGreaterThan((long) (0.98 * rows));
    assertThat(estimate.stars() / estimate.images()).isCloseTo(21_500, within(100.0));
    assertThat(estimate.bytes() / estimate.images()).isBetween(8_400_000L, 8_600_000L);
  }
}
