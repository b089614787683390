package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Going on with a campaign of more frames than are looked at together. */
class LeftToDoTest {
  private static final int NIGHTS = 2;

  @TempDir Path folder;

  @Test
  void everyFrameWithoutARowComesOnceInOrderAndWithItsMasters() throws IOException {
    SparkSession spark = SmallNight.spark();
    CampaignRequest request = SmallNight.request(folder.resolve("in"), folder.resolve("out"));
    Campaign campaign =
        Campaign.openOrPrepare(
            request.output(),
            new Campaign.Identity("night", "generic", "hash", "1", "2026-01-01T00:00:00Z"),
            false,
            spark.sparkContext().hadoopConfiguration());
    campaign.establish();
    Plan plan = new Plan(spark, campaign);
    int frames = NIGHTS * SyntheticSurvey.NIGHT;
    plan.append(SyntheticSurvey.frames(spark, frames), frames, 0);
    assertThat(SyntheticSurvey.buildMasters(spark, campaign, plan, request))
        .isEqualTo(NIGHTS * 64 * 4);
    SyntheticSurvey.measure(spark, campaign, plan, 40_000, 3);
    Set<Long> expected = new HashSet<>();
    for (Row row :
        plan.frames()
            .filter("image_type = 'science' and exposure_id >= 40000")
            .select("exposure_id")
            .collectAsList()) {
      expected.add(row.getLong(0));
    }

    try (CampaignMasters masters =
        CampaignMasters.prepare(
            spark, campaign, plan, request, RunTrace.off().tasks(), odd -> {})) {
      assertThat(masters.used().count()).isEqualTo(NIGHTS * 64 * 25);
      LeftToDo left =
          new LeftToDo(
              plan.frames(),
              new Ledger(campaign, "none").exposures(spark).select("exposure_id"),
              masters);
      assertThat(left.before()).isEqualTo(SmallNight.exposures(folder.resolve("out")).count());
      assertThat(left.count()).isEqualTo(expected.size());
      // The stretch that is begun holds small work of calibration frames, too.
      double each = ExpectedWork.of(masters.workItem(left.iterator().next()).frame());
      assertThat(each).isGreaterThan(3072.0 * 3080);
      assertThat(left.work()).isBetween(0.9 * each * left.count(), each * left.count() * 1.0001);
      long last = -1;
      int count = 0;
      for (Row row : left) {
        WorkItem item = masters.workItem(row);
        long id = item.frame().exposureId();
        assertThat(id).isGreaterThan(last);
        assertThat(expected).contains(id);
        assertThat(item.reason()).isNull();
        assertThat(item.bias().path()).contains("bias-");
        assertThat(item.flat().path()).contains("flat-");
        last = id;
        count++;
      }
      assertThat(count).isEqualTo(expected.size());
    }
  }
}
