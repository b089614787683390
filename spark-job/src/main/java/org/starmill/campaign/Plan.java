package org.starmill.campaign;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
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
import org.starmill.instrument.ImageType;
import org.starmill.instrument.Instrument;
import org.starmill.wcs.Wcs;
import org.starmill.wcs.WcsException;

/**
 * Plans a campaign: finds its frames and learns from their headers what they are.
 *
 * <p>The files are listed on the driver and read by tasks; the frames are numbered in the order of
 * path and HDU and appended to the plan, a folder of Parquet files for each time, by one rename.
 * Files that are planned already keep their numbers.
 */
final class Plan {
  private static final int FILES_PER_TASK = 64;

  private final SparkSession spark;
  private final Campaign campaign;

  Plan(SparkSession spark, Campaign campaign) {
    this.spark = spark;
    this.campaign = campaign;
  }

  /**
   * Adds the frames of the files that are not in the plan yet.
   *
   * @throws Refused where the plan, old and new together, holds no bias frame; nothing is written
   *     then
   */
  void extend(List<Inputs.InputFile> files, Instrument instrument, String output) {
    boolean planned = campaign.hasRows(campaign.plan());
    List<Inputs.InputFile> added = files;
    long next = 0;
    if (planned) {
      Set<String> known =
          new HashSet<>(frames().select("path").distinct().as(Encoders.STRING()).collectAsList());
      added = files.stream().filter(file -> !known.contains(file.path())).toList();
      next = frames().agg(functions.max("exposure_id")).head().getLong(0) + 1;
    }
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    if (added.isEmpty()) {
      refuseWithoutBias(planned && hasBias(frames()), output);
      return;
    }
    int slices =
        Math.max(
            Math.min(added.size(), SparkSessions.slots(spark.sparkContext())),
            added.size() / FILES_PER_TASK);
    Broadcast<SerializableConfiguration> hadoop =
        context.broadcast(
            new SerializableConfiguration(spark.sparkContext().hadoopConfiguration()));
    JavaRDD<PlannedFrame> described =
        context
            .parallelize(added, slices)
            .mapPartitions(new Describing(instrument, hadoop))
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      boolean bias = !described.filter(Plan::isBias).take(1).isEmpty();
      refuseWithoutBias(bias || planned && hasBias(frames()), output);
      campaign.establish();
      append(described, next);
    } catch (IOException e) {
      throw new Refused(
          "--output %s: the plan cannot be written: %s".formatted(output, e.getMessage()), e);
    } finally {
      described.unpersist(false);
      hadoop.destroy();
    }
  }

  private static boolean isBias(PlannedFrame frame) {
    return frame.type() == ImageType.BIAS && frame.reason() == null;
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

  private void append(JavaRDD<PlannedFrame> described, long firstId) throws IOException {
    JavaRDD<Row> rows =
        described
            .zipWithIndex()
            .map(numbered -> numbered._1().withExposureId(firstId + numbered._2()).toRow());
    Path staged = new Path(campaign.staging(), "plan");
    campaign.fileSystem().delete(staged, true);
    spark.createDataFrame(rows, PlannedFrame.SCHEMA).write().parquet(staged.toString());
    // Only what counts is kept: the table is the Parquet files.
    for (FileStatus file : campaign.fileSystem().listStatus(staged)) {
      if (!file.getPath().getName().endsWith(".parquet")) {
        campaign.fileSystem().delete(file.getPath(), true);
      }
    }
    campaign.rename(staged, new Path(campaign.plan(), "from-%012d".formatted(firstId)));
    campaign.fileSystem().delete(campaign.staging(), true);
  }

  /** All frames of the plan. */
  Dataset<Row> frames() {
    return spark
        .read()
        .schema(PlannedFrame.SCHEMA)
        .option("recursiveFileLookup", true)
        .parquet(campaign.plan().toString());
  }

  /** The frames that satisfy a condition of SQL, in the order of their numbers. */
  List<PlannedFrame> frames(String condition) {
    List<PlannedFrame> frames = new ArrayList<>();
    for (Row row : frames().filter(condition).orderBy("exposure_id").collectAsList()) {
      frames.add(PlannedFrame.of(row));
    }
    return frames;
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
      List<PlannedFrame> frames = new ArrayList<>();
      files.forEachRemaining(file -> describe(file, reader, frames));
      return frames.iterator();
    }

    private void describe(Inputs.InputFile file, FrameReader reader, List<PlannedFrame> frames) {
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
