package org.starmill.campaign;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.catalog.Reasons;
import org.starmill.fits.FrameReader;
import org.starmill.fits.ImageHdu;
import org.starmill.image.ImageRejected;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.Instrument;
import org.starmill.wcs.Wcs;
import org.starmill.wcs.WcsException;

/**
 * Plans a campaign: finds its frames and learns from their headers what they are.
 *
 * <p>Tasks read the headers; the frames are sorted by ccd, filter, night, quadrant, path and HDU,
 * so that images with the same masters sit together, numbered in that order and appended to the
 * plan, a folder of Parquet files for each time, by one rename. Files that are planned already,
 * which a join finds, keep their numbers. The driver holds a count for each of the plan's files.
 */
final class Plan {
  private static final int FILES_A_TASK = 256;
  private static final int MOST_TASKS = 10_000;

  /** Rows of one of the plan's files. */
  private static final int ROWS_A_FILE = 100_000;

  private static final Column[] ORDER =
      Stream.of("ccd", "filter", "night", "quadrant", "path", "hdu")
          .map(functions::col)
          .toArray(Column[]::new);

  /** Ends the name of the file that is there while a folder comes into the plan. */
  private static final String MOVING = ".moving";

  private final SparkSession spark;
  private final Campaign campaign;

  Plan(SparkSession spark, Campaign campaign) {
    this.spark = spark;
    this.campaign = campaign;
  }

  /**
   * Adds the frames of the files that are not in the plan yet.
   *
   * @param files of the input, with columns {@link Inputs#SCHEMA}, each path once
   * @param begins hears how many files are to be read
   * @throws Refused where the plan, old and new together, holds no bias frame; nothing is written
   *     then
   * @throws IOException where the plan cannot be written
   */
  void extend(Dataset<Row> files, Instrument instrument, String output, LongConsumer begins)
      throws IOException {
    boolean planned = campaign.hasRows(campaign.plan());
    Dataset<Row> added =
        (planned
                ? files.join(
                    frames().select("path").withColumnRenamed("path", "planned"),
                    functions.col("path").equalTo(functions.col("planned")),
                    "left_anti")
                : files)
            .persist(StorageLevel.MEMORY_AND_DISK());
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    try {
      long count = added.count();
      begins.accept(count);
      if (count == 0) {
        refuseWithoutBias(planned && hasBias(frames()), output);
        return;
      }
      JavaRDD<Row> described =
          added
              .repartition(tasks(count))
              .toJavaRDD()
              .map(file -> new Inputs.InputFile(file.getString(0), file.getLong(1)))
              .mapPartitions(new Describing(instrument, hadoop))
              .map(PlannedFrame::toRow);
      Dataset<Row> frames =
          spark
              .createDataFrame(described, PlannedFrame.SCHEMA)
              .persist(StorageLevel.MEMORY_AND_DISK());
      try {
        long frameCount = frames.count();
        refuseWithoutBias(hasBias(frames) || planned && hasBias(frames()), output);
        campaign.establish();
        append(frames, frameCount, planned ? last() + 1 : 0);
      } finally {
        frames.unpersist(false);
      }
    } finally {
      added.unpersist(false);
      hadoop.destroy();
    }
  }

  private int tasks(long files) {
    int slots = SparkSessions.slots(spark.sparkContext());
    return (int) Math.min(Math.min(files, MOST_TASKS), Math.max(slots, files / FILES_A_TASK));
  }

  private static boolean hasBias(Dataset<Row> frames) {
    return !frames.filter("image_type = 'bias' and reason is null").isEmpty();
  }

  private static void refuseWithoutBias(boolean thereIsOne, String output) {
    if (!thereIsOne) {
      throw new Refused(
          "no bias frame among the input of --output %s: expected frames whose header says bias; add their folder with --input, or name the camera with --instrument so that its headers are understood"
              .formatted(output));
    }
  }

  /** The highest number given so far. */
  private long last() {
    return frames().agg(functions.max("exposure_id")).head().getLong(0);
  }

  /**
   * Sorts frames, numbers and keeps them.
   *
   * @param count how many they are
   * @param firstId number of the first
   */
  void append(Dataset<Row> frames, long count, long firstId) throws IOException {
    int files = (int) Math.max(1, (count + ROWS_A_FILE - 1) / ROWS_A_FILE);
    // Kept, so that the rows are numbered just as they were counted.
    Dataset<Row> sorted =
        frames
            .repartitionByRange(files, ORDER)
            .sortWithinPartitions(ORDER)
            .persist(StorageLevel.MEMORY_AND_DISK());
    Path staged = new Path(campaign.staging(), "plan");
    try {
      campaign.fileSystem().delete(staged, true);
      numbered(sorted, files, firstId).write().parquet(staged.toString());
    } finally {
      sorted.unpersist(false);
    }
    // Only what counts is kept: the table is the Parquet files.
    for (FileStatus file : campaign.fileSystem().listStatus(staged)) {
      if (!file.getPath().getName().endsWith(".parquet")) {
        campaign.fileSystem().delete(file.getPath(), true);
      }
    }
    // Where a folder is moved file by file, half of them must not be taken for the whole.
    String folder = "from-%012d".formatted(firstId);
    campaign.lease().check();
    Path moving = new Path(campaign.plan(), "_" + folder + MOVING);
    campaign.fileSystem().create(moving, true).close();
    campaign.rename(staged, new Path(campaign.plan(), folder));
    campaign.fileSystem().delete(moving, false);
    campaign.fileSystem().delete(campaign.staging(), true);
  }

  /**
   * Removes what was being moved into the plan when a run was stopped; its frames are found again.
   *
   * @return what was removed
   */
  static List<String> removeHalfMoved(Campaign campaign) throws IOException {
    List<String> removed = new ArrayList<>();
    if (!campaign.fileSystem().exists(campaign.plan())) {
      return removed;
    }
    for (FileStatus file : campaign.fileSystem().listStatus(campaign.plan())) {
      String name = file.getPath().getName();
      if (name.startsWith("_") && name.endsWith(MOVING)) {
        String folder = name.substring(1, name.length() - MOVING.length());
        campaign.fileSystem().delete(new Path(campaign.plan(), folder), true);
        campaign.fileSystem().delete(file.getPath(), false);
        removed.add("removed plan/%s, which was not whole".formatted(folder));
      }
    }
    return removed;
  }

  private static Dataset<Row> numbered(Dataset<Row> sorted, int files, long firstId) {
    long[] first = new long[files + 1];
    for (Row part :
        sorted.groupBy(functions.spark_partition_id().as("part")).count().collectAsList()) {
      first[part.getInt(0) + 1] = part.getLong(1);
    }
    first[0] = firstId;
    for (int i = 1; i <= files; i++) {
      first[i] += first[i - 1];
    }
    Column inPartition =
        functions.monotonically_increasing_id().bitwiseAND(functions.lit((1L << 33) - 1));
    return sorted.withColumn(
        "exposure_id",
        functions
            .element_at(functions.lit(first), functions.spark_partition_id().plus(functions.lit(1)))
            .plus(inPartition));
  }

  /** All frames of the plan. */
  Dataset<Row> frames() {
    return spark
        .read()
        .schema(PlannedFrame.SCHEMA)
        .option("recursiveFileLookup", true)
        .parquet(campaign.plan().toString());
  }

  /** Reads the headers of a task's files. */
  static final class Describing
      implements FlatMapFunction<Iterator<Inputs.InputFile>, PlannedFrame> {
    private static final long serialVersionUID = 1L;

    private final Instrument instrument;
    private final Broadcast<SerializableConfiguration> hadoop;

    Describing(Instrument instrument, Broadcast<SerializableConfiguration> hadoop) {
      this.instrument = instrument;
      this.hadoop = hadoop;
    }

    @Override
    public Iterator<PlannedFrame> call(Iterator<Inputs.InputFile> files) {
      FrameReader reader = new FrameReader(hadoop.value().value());
      ArrayDeque<PlannedFrame> frames = new ArrayDeque<>();
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          while (frames.isEmpty() && files.hasNext()) {
            describe(files.next(), reader, frames);
          }
          return !frames.isEmpty();
        }

        @Override
        public PlannedFrame next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          return frames.removeFirst();
        }
      };
    }

    private void describe(
        Inputs.InputFile file, FrameReader reader, ArrayDeque<PlannedFrame> frames) {
      List<ImageHdu> images;
      try {
        images = reader.scan(file.path());
      } catch (ImageRejected rejected) {
        frames.add(unusable(file, -1, 0, 0, rejected.getMessage()));
        return;
      } catch (RuntimeException | StackOverflowError e) {
        frames.add(unusable(file, -1, 0, 0, Reasons.internal(e)));
        return;
      }
      Predicate<ImageHdu> isFrame =
          image -> instrument.reads(file.path(), image.hdu(), image.header());
      if (images.stream().noneMatch(isFrame)) {
        frames.add(
            unusable(
                file,
                -1,
                0,
                0,
                Reasons.notUsed(
                    "the instrument %s takes no HDU of this file for a frame"
                        .formatted(instrument.name()))));
      }
      for (ImageHdu image : images) {
        if (isFrame.test(image)) {
          frames.add(describe(file, image));
        }
      }
    }

    private PlannedFrame describe(Inputs.InputFile file, ImageHdu image) {
      FrameFacts facts;
      double[] centre;
      try {
        facts =
            instrument.describe(
                file.path(), image.hdu(), image.width(), image.height(), image.header());
        centre = centre(image, facts);
      } catch (ImageRejected rejected) {
        return unusable(file, image.hdu(), image.width(), image.height(), rejected.getMessage());
      } catch (RuntimeException | StackOverflowError e) {
        return unusable(file, image.hdu(), image.width(), image.height(), Reasons.internal(e));
      }
      return new PlannedFrame(
          0,
          file.path(),
          image.hdu(),
          file.length(),
          facts.type(),
          facts.night(),
          facts.ccd(),
          facts.quadrant(),
          facts.filter(),
          facts.data().width(),
          facts.data().height(),
          Double.isNaN(facts.mjd()) ? null : facts.mjd(),
          Double.isNaN(facts.exposureSeconds()) ? null : facts.exposureSeconds(),
          facts.withoutOverscan(),
          null,
          facts.field(),
          centre == null ? null : centre[0],
          centre == null ? null : centre[1]);
    }

    /** Right ascension and declination of the middle of an image; null without a WCS. */
    private static double[] centre(ImageHdu image, FrameFacts facts) {
      double[] ra = new double[1];
      double[] dec = new double[1];
      try {
        Wcs.of(image.header())
            .shifted(facts.data().x(), facts.data().y())
            .pixelToSky(
                new double[] {(facts.data().width() - 1) / 2.0},
                new double[] {(facts.data().height() - 1) / 2.0},
                ra,
                dec);
      } catch (WcsException none) {
        return null;
      }
      return Double.isFinite(ra[0] + dec[0]) ? new double[] {ra[0], dec[0]} : null;
    }

    private static PlannedFrame unusable(
        Inputs.InputFile file, int hdu, int width, int height, String reason) {
      return new PlannedFrame(
          0,
          file.path(),
          hdu,
          file.length(),
          null,
          null,
          null,
          null,
          null,
          width,
          height,
          null,
          null,
          null,
          reason,
          null,
          null,
          null);
    }
  }
}
