package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.IOUtils;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.instrument.Instrument;

/**
 * Mends the plan where files that could not be used are whole by now, or bias and flat frames have
 * another length.
 *
 * <p>Tasks read the headers of those files again; each file of the plan that holds such a frame is
 * written anew, and put into its place in one step. Frames keep their numbers; a file that could
 * not be read and has turned out to hold several frames gets further ones.
 */
final class PlanCorrection {
  private final SparkSession spark;
  private final Campaign campaign;
  private final Instrument instrument;

  PlanCorrection(SparkSession spark, Campaign campaign, Instrument instrument) {
    this.spark = spark;
    this.campaign = campaign;
    this.instrument = instrument;
  }

  /**
   * Reads headers again.
   *
   * @param images rows with an exposure_id; those of them that the plan has a reason against, and
   *     bias and flat frames whose file is of another length by now: of those other masters are
   *     made
   */
  void readAgain(Dataset<Row> images) throws IOException {
    Dataset<Row> planned = plan();
    Dataset<Row> unusable =
        planned
            .filter(col("reason").isNotNull().or(col("image_type").isin("bias", "flat")))
            .join(
                images.select(col("exposure_id").as("retried")),
                planned.col("exposure_id").equalTo(col("retried")))
            .drop("retried");
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    List<Mended> mended =
        unusable.toJavaRDD().mapPartitions(new Reading(instrument, hadoop)).collect();
    hadoop.destroy();
    if (mended.isEmpty()) {
      return;
    }
    long next = planned.agg(functions.max("exposure_id")).head().getLong(0) + 1;
    Map<String, Map<Long, PlannedFrame>> byFile = new TreeMap<>();
    Map<String, List<PlannedFrame>> further = new TreeMap<>();
    for (Mended one : mended) {
      byFile
          .computeIfAbsent(one.file(), file -> new LinkedHashMap<>())
          .put(one.frames().get(0).exposureId(), one.frames().get(0));
      for (PlannedFrame frame : one.frames().subList(1, one.frames().size())) {
        further
            .computeIfAbsent(one.file(), file -> new ArrayList<>())
            .add(frame.withExposureId(next++));
      }
    }
    for (String file : byFile.keySet()) {
      // Spark names files as URIs have it: a blank is %20.
      rewrite(new Path(URI.create(file)), byFile.get(file), further.getOrDefault(file, List.of()));
    }
  }

  /** The plan, and in its last column the file that holds a frame. */
  private Dataset<Row> plan() {
    return spark
        .read()
        .schema(PlannedFrame.SCHEMA)
        .option("recursiveFileLookup", true)
        .parquet(campaign.plan().toString())
        .select(col("*"), col("_metadata.file_path").as("file"));
  }

  private void rewrite(Path file, Map<Long, PlannedFrame> mended, List<PlannedFrame> further)
      throws IOException {
    List<Row> rows = new ArrayList<>();
    for (Row row :
        spark.read().schema(PlannedFrame.SCHEMA).parquet(file.toString()).collectAsList()) {
      PlannedFrame frame = PlannedFrame.of(row);
      rows.add(mended.getOrDefault(frame.exposureId(), frame).toRow());
    }
    further.forEach(frame -> rows.add(frame.toRow()));
    Path staged = new Path(campaign.staging(), "plan");
    FileSystem fileSystem = campaign.fileSystem();
    fileSystem.delete(staged, true);
    spark.createDataFrame(rows, PlannedFrame.SCHEMA).coalesce(1).write().parquet(staged.toString());
    for (FileStatus written : fileSystem.listStatus(staged)) {
      if (written.getPath().getName().endsWith(".parquet")) {
        campaign.lease().check();
        try (InputStream in = fileSystem.open(written.getPath())) {
          campaign
              .place()
              .put(
                  file,
                  new Path(staged, "mended"),
                  out -> IOUtils.copyBytes(in, out, 1 << 20, false));
        }
      }
    }
    fileSystem.delete(staged, true);
  }

  /**
   * What a file is by now.
   *
   * @param file of the plan
   * @param frames that which was not usable, and others that came to light with it
   */
  private record Mended(String file, List<PlannedFrame> frames) implements java.io.Serializable {}

  /** Reads the files of a task's frames. */
  private static final class Reading implements FlatMapFunction<Iterator<Row>, Mended> {
    private static final long serialVersionUID = 1L;

    private final Plan.Describing describing;
    private final Broadcast<SerializableConfiguration> hadoop;

    Reading(Instrument instrument, Broadcast<SerializableConfiguration> hadoop) {
      this.describing = new Plan.Describing(instrument, hadoop);
      this.hadoop = hadoop;
    }

    @Override
    public Iterator<Mended> call(Iterator<Row> rows) {
      List<Mended> mended = new ArrayList<>();
      while (rows.hasNext()) {
        Row row = rows.next();
        PlannedFrame before = PlannedFrame.of(row);
        List<PlannedFrame> now = usable(before);
        if (!now.isEmpty()) {
          mended.add(new Mended(row.getAs("file"), now));
        }
      }
      return mended.iterator();
    }

    private List<PlannedFrame> usable(PlannedFrame before) {
      Map<Integer, PlannedFrame> byHdu =
          frames(before.path()).stream()
              .filter(frame -> frame.reason() == null)
              .collect(
                  Collectors.toMap(
                      PlannedFrame::hdu, Function.identity(), (a, b) -> a, TreeMap::new));
      if (before.hdu() < 0) {
        // It could not be read at all: whatever it holds is new.
        List<PlannedFrame> all = new ArrayList<>(byHdu.values());
        if (!all.isEmpty()) {
          all.set(0, all.get(0).withExposureId(before.exposureId()));
        }
        return all;
      }
      PlannedFrame now = byHdu.get(before.hdu());
      boolean asItWas =
          now != null && before.reason() == null && now.fileLength() == before.fileLength();
      return now == null || asItWas ? List.of() : List.of(now.withExposureId(before.exposureId()));
    }

    private List<PlannedFrame> frames(String path) {
      List<PlannedFrame> frames = new ArrayList<>();
      try {
        Path file = new Path(path);
        long length = file.getFileSystem(hadoop.value().value()).getFileStatus(file).getLen();
        describing
            .call(List.of(new Inputs.InputFile(path, length)).iterator())
            .forEachRemaining(frames::add);
      } catch (IOException stillGone) {
        return List.of();
      }
      return frames;
    }
  }
}
