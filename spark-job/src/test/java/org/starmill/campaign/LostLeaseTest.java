package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that stood still, and whose folder another one has taken, puts nothing into it. */
class LostLeaseTest {
  @TempDir Path folder;

  @Test
  void neitherPlanNorMastersComeIntoAFolderThatAnotherRunHasTaken() throws IOException {
    SparkSession spark = SmallNight.spark();
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 1);
    Path broken = night.resolve("bias_0004.fits");
    Files.writeString(broken, "no FITS file");
    Path output = folder.resolve("out");
    CampaignRequest request = SmallNight.request(night, output);
    SmallNight.run(new RunScope(java.util.List.of(), 1, false), night, output);
    Files.delete(output.resolve("masters/masters.parquet"));
    Files.copy(
        night.resolve("bias_0001.fits"), broken, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    java.util.List<Path> before = SmallNight.filesBelow(output.resolve("plan"));
    byte[] planned = Files.readAllBytes(before.get(0));

    Campaign campaign =
        Campaign.open(output.toString(), spark.sparkContext().hadoopConfiguration());
    try (Lease lease = campaign.lease()) {
      lease.take(waiting -> {});
      Files.writeString(output.resolve("_lease/another.holding"), "{}");
      Plan plan = new Plan(spark, campaign);
      assertTaken(() -> plan.append(SyntheticSurvey.frames(spark, 10), 10, 100));
      assertTaken(
          () ->
              new PlanCorrection(spark, campaign, request.instrument())
                  .readAgain(plan.frames().filter("reason is not null")));
      assertTaken(
          () ->
              CampaignMasters.prepare(
                  spark, campaign, plan, request, RunTrace.off().tasks(), odd -> {}));
    } finally {
      Files.delete(output.resolve("_lease/another.holding"));
    }
    assertThat(SmallNight.filesBelow(output.resolve("plan"))).isEqualTo(before);
    assertThat(Files.readAllBytes(before.get(0))).isEqualTo(planned);
    assertThat(output.resolve("masters/masters.parquet")).doesNotExist();
  }

  private static void assertTaken(org.assertj.core.api.ThrowableAssert.ThrowingCallable step) {
    assertThatThrownBy(step)
        .isInstanceOf(CampaignStopped.class)
        .hasMessageContaining("taken this campaign over");
  }
}
