package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.catalog.ExposureRow;

/** A campaign whose frames and catalog are on a real HDFS that loses a data node meanwhile. */
@Tag("full")
class HdfsCampaignTest {
  private static final int IMAGES = 5;

  @Test
  void aDataNodeThatStopsInTheMiddleChangesNoRow(@TempDir Path folder) throws Exception {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, IMAGES);
    Path undisturbed = folder.resolve("undisturbed");
    SmallNight.run(night, undisturbed);
    Configuration hadoop = new Configuration();
    hadoop.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
    hadoop.setInt("dfs.replication", 2);
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(hadoop).numDataNodes(3).build();
    try {
      cluster.waitActive();
      FileSystem hdfs = cluster.getFileSystem();
      String root = cluster.getURI().toString();
      org.apache.hadoop.fs.Path frames = new org.apache.hadoop.fs.Path(root + "/night");
      hdfs.mkdirs(frames);
      for (Path file : SmallNight.filesBelow(night)) {
        FileUtil.copy(
            file.toFile(),
            hdfs,
            new org.apache.hadoop.fs.Path(frames, file.getFileName().toString()),
            false,
            hadoop);
      }
      org.apache.hadoop.fs.Path bad = new org.apache.hadoop.fs.Path(frames, "sci_000003_g.fits");
      try (var out = hdfs.create(bad, true)) {
        out.writeBytes("this is no FITS file");
      }
      CampaignRequest request =
          SmallNight.request(root + "/night", root + "/catalog", "batch.images=2");
      AtomicInteger stopped = new AtomicInteger();
      new CampaignRun(
              SmallNight.spark(),
              request,
              new Watching(
                  () -> {
                    if (stopped.getAndIncrement() == 0) {
                      cluster.stopDataNode(0);
                    }
                  }))
          .run();
      assertThat(stopped.get()).isEqualTo(IMAGES);
      assertThat(cluster.getDataNodes()).hasSize(2);

      hdfs.delete(bad, false);
      FileUtil.copy(night.resolve("sci_000003_g.fits").toFile(), hdfs, bad, false, hadoop);
      new CampaignRun(
              SmallNight.spark(),
              request,
              SmallNight.SILENCE,
              RunTrace.off(),
              new RunScope(List.of("unreadable"), Long.MAX_VALUE, false))
          .run();
      assertThat(read(root, "exposures").filter("status = 'ok'").count()).isEqualTo(IMAGES);
      Dataset<Row> images = read(root, "exposures");
      Dataset<Row> expected = SmallNight.exposures(undisturbed);
      SmallNight.assertSameRows(
          SmallNight.byFile(read(root, "sources"), images),
          SmallNight.byFile(SmallNight.sources(undisturbed), expected));
      SmallNight.assertSameRows(withoutMasters(images), withoutMasters(expected));
      assertThat(hdfs.exists(new org.apache.hadoop.fs.Path(root + "/catalog/_staging"))).isFalse();
    } finally {
      cluster.shutdown();
    }
  }

  private static Dataset<Row> read(String root, String table) {
    return SmallNight.spark()
        .read()
        .option("recursiveFileLookup", true)
        .parquet(root + "/catalog/" + table);
  }

  private static Dataset<Row> withoutMasters(Dataset<Row> exposures) {
    return SmallNight.byFile(exposures).drop("bias_id", "flat_id");
  }

  /** Does something at each image. */
  private record Watching(Runnable atImage) implements CampaignProgress {
    @Override
    public void stage(String what) {}

    @Override
    public void begin(long images, long before) {}

    @Override
    public void image(ExposureRow row) {
      atImage.run();
    }

    @Override
    public void done(long images) {}

    @Override
    public void end() {}
  }
}
