package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.config.CampaignConfig;

/**
 * A cluster in small: a master and a worker in one JVM, whose two executors are JVMs of their own
 * and have a GPU each, as a script of the worker says that there are two.
 */
@Tag("full")
class ClusterTest {
  private static final String ADDRESSES = "devices of the tasks: ";

  @TempDir static Path folder;
  private static Path output;
  private static ChildRun.Ended ended;

  @BeforeAll
  static void runOnACluster() throws Exception {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, 6);
    Files.move(night.resolve("sci_000002_g.fits"), night.resolve("sci_000002_halts.fits"));
    output = folder.resolve("catalog");
    // What the worker starts executors from; all jars come by the class path.
    Path home = Files.createDirectories(folder.resolve("spark"));
    Files.createDirectories(home.resolve("jars"));
    Path script =
        Files.writeString(
            folder.resolve("two-gpus.sh"),
            "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\"]}'\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    ended =
        ChildRun.of(
            ClusterTest.class.getName(),
            folder,
            Map.of(
                "SPARK_HOME",
                home.toString(),
                "SPARK_SCALA_VERSION",
                "2.13",
                "SPARK_LOCAL_IP",
                "127.0.0.1"),
            List.of(
                "-Xmx1g",
                "-Dspark.master=local-cluster[1,2,2048]",
                "-Dspark.executor.cores=1",
                "-Dspark.executor.memory=1g",
                "-Dspark.executor.extraClassPath=" + ChildRun.classPath(),
                "-Dspark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
                "-Dspark.worker.resource.gpu.amount=2",
                "-Dspark.worker.resource.gpu.discoveryScript=" + script,
                "-Dspark.hadoop."
                    + TrapFileSystem.IMPLEMENTATION
                    + "="
                    + TrapFileSystem.class.getName()),
            List.of(TrapFileSystem.path(night), output.toString()));
    assertThat(ended.exitCode()).as(ended.log()).isZero();
  }

  /** Runs in the cluster's driver. */
  public static void main(String[] args) {
    CampaignConfig gpu = CampaignConfig.load(null, List.of("device=gpu"));
    SparkSession spark = SparkSessions.open(gpu.device());
    List<String> devices =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .parallelize(IntStream.range(0, 8).boxed().toList(), 8)
            .map(
                task -> {
                  Thread.sleep(1000);
                  return Workbench.withAddress("gpu");
                })
            .distinct()
            .collect();
    System.out.println(ADDRESSES + devices.stream().sorted().toList());
    CampaignRequest request = SmallNight.request(Path.of("unused"), Path.of(args[1]));
    new CampaignRun(
            spark,
            new CampaignRequest(
                List.of(args[0]),
                request.output(),
                request.campaignId(),
                request.config(),
                request.instrument()),
            SmallNight.SILENCE)
        .run();
    spark.stop();
  }

  @Test
  void theAddressThatATaskIsGivenChoosesItsDevice() {
    assertThat(ended.log()).contains(ADDRESSES + "[gpu:0, gpu:1]");
  }

  @Test
  void aFrameThatKillsItsExecutorTwiceIsSetAsideInTheSameRunAndNoOtherIsLost() {
    assertThat(SmallNight.ledger(output))
        .containsExactly(
            "sci_000001_g.fits ok",
            "sci_000002_halts.fits failed process ended",
            "sci_000003_g.fits ok",
            "sci_000004_g.fits ok",
            "sci_000005_g.fits ok",
            "sci_000006_g.fits ok");
    assertThat(output.resolve("_working")).doesNotExist();
  }
}
