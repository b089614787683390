package org.starmill.campaign;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.ParquetRuntimeException;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.Masters;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposureStatus;
import org.starmill.catalog.Magnitudes;
import org.starmill.catalog.Reasons;
import org.starmill.catalog.SourcesWriter;
import org.starmill.config.CampaignConfig;
import org.starmill.device.DeviceException;
import org.starmill.fits.FitsHeader;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FrameReader;
import org.starmill.fits.ImageHdu;
import org.starmill.image.Detector;
import org.starmill.image.ImageRejected;
import org.starmill.image.Section;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.Instrument;
import org.starmill.masters.MasterCache;
import org.starmill.measure.Measurement;
import org.starmill.trace.Trace;
import org.starmill.wcs.Wcs;
import org.starmill.wcs.WcsException;

/**
 * Reduces a task's images one after another and writes their stars to one file.
 *
 * <p>The file has a name of its own for each attempt of the task; which attempts count is the
 * driver's to say. Whatever is wrong with an image becomes its row's reason, too little memory for
 * it among them. What is wrong with the device or the file written to ends the task.
 */
final class BatchTask implements Serializable {
  private static final long serialVersionUID = 1L;

  /**
   * What a task gives back.
   *
   * @param file name of the file of stars; null where there was no star to write
   * @param exposures a row for each of its images
   */
  record Result(String file, List<ExposureRow> exposures) implements Serializable {}

  private static final Object ONE_AT_A_TIME = new Object();

  private final Instrument instrument;
  private final CampaignConfig config;
  private final Campaign.Identity campaign;
  private final String folder;
  private final int taskCpus;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final LongAccumulator counter;
  private final TaskTrace trace;

  /**
   * @param folder that files of stars go to
   * @param counter gets one for each image that is done
   * @param trace keeps what is done when
   */
  BatchTask(
      Instrument instrument,
      CampaignConfig config,
      Campaign.Identity campaign,
      String folder,
      int taskCpus,
      Broadcast<SerializableConfiguration> hadoop,
      LongAccumulator counter,
      TaskTrace trace) {
    this.instrument = instrument;
    this.config = config;
    this.campaign = campaign;
    this.folder = folder;
    this.taskCpus = taskCpus;
    this.hadoop = hadoop;
    this.counter = counter;
    this.trace = trace;
  }

  Result run(List<WorkItem> items) {
    return trace.of("%d images".formatted(items.size()), () -> measured(items));
  }

  private Result measured(List<WorkItem> items) {
    TaskContext task = TaskContext.get();
    String file = "part-%05d-%d.parquet".formatted(task.partitionId(), task.taskAttemptId());
    return Workbench.with(
        config,
        taskCpus,
        bench -> {
          try (Stars stars = new Stars(new Path(folder, file))) {
            List<ExposureRow> exposures = new ArrayList<>();
            for (WorkItem item : items) {
              try (Trace.Open image = Trace.image(item.frame().label())) {
                exposures.add(new Exposure(item, bench, stars).row());
              }
              counter.add(1);
            }
            return new Result(stars.writer == null ? null : file, exposures);
          } catch (IOException | FSError | ParquetRuntimeException e) {
            throw new CampaignStopped(
                "the stars of %d images cannot be written to %s/%s: %s; what was committed counts; see that the disk or store has room and can be written, and give the command again"
                    .formatted(items.size(), folder, file, Inputs.cause(e)),
                e);
          }
        });
  }

  /** The file of a task's stars, made with the first of them. */
  private final class Stars implements AutoCloseable {
    private final Path path;
    private SourcesWriter writer;

    Stars(Path path) {
      this.path = path;
    }

    SourcesWriter writer() throws IOException {
      if (writer == null) {
        // Of a local folder: no .crc files beside the catalog's.
        path.getFileSystem(configuration()).setWriteChecksum(false);
        writer =
            new SourcesWriter(
                path,
                configuration(),
                config.output().compression(),
                config.reduction().apertures().radii().size());
      }
      return writer;
    }

    @Override
    public void close() throws IOException {
      if (writer != null) {
        try (Trace.Open write = Trace.step("write")) {
          writer.close();
        }
      }
    }
  }

  private Configuration configuration() {
    return hadoop.value().value();
  }

  /** One image on its way to a row. */
  private final class Exposure {
    private final WorkItem item;
    private final PlannedFrame frame;
    private final Workbench bench;
    private final Stars stars;
    private final FrameReader reader = new FrameReader(configuration());
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private ExposureRow row;

    Exposure(WorkItem item, Workbench bench, Stars stars) {
      this.item = item;
      this.frame = item.frame();
      this.bench = bench;
      this.stars = stars;
      row =
          ExposureRow.of(
              new ExposureRow.Identity(
                  frame.exposureId(),
                  frame.path(),
                  frame.hdu(),
                  instrument.name(),
                  campaign.id(),
                  SoftwareVersion.NAME,
                  campaign.configurationHash()));
    }

    ExposureRow row() throws IOException {
      Measured measured;
      try {
        if (item.reason() != null) {
          describe();
          return row.with(ExposureStatus.FAILED, item.reason());
        }
        measured = measuredOnceThereIsRoom();
      } catch (ImageRejected rejected) {
        return failed(rejected.getMessage());
      } catch (DeviceException endsTheTask) {
        throw endsTheTask;
      } catch (OutOfMemoryError tooLarge) {
        bench.dropBuffers();
        return failed(outOfMemory());
      } catch (RuntimeException | StackOverflowError unforeseen) {
        if (TaskContext.get().isInterrupted() || Thread.currentThread().isInterrupted()) {
          throw unforeseen;
        }
        return failed(Reasons.internal(unforeseen));
      }
      // From here on whatever goes wrong is the file's fault: it ends the task.
      write(measured);
      return done(measured);
    }

    /**
     * Measures; where the heap is full once more, when the buffers of this task are free again and
     * no other image of this JVM does the same.
     */
    private Measured measuredOnceThereIsRoom() {
      try {
        return measured();
      } catch (OutOfMemoryError full) {
        bench.dropBuffers();
        synchronized (ONE_AT_A_TIME) {
          return measured();
        }
      }
    }

    private String outOfMemory() {
      return "out of memory: %s, %d x %d pixels, found no room in a heap of %d MB beside the other tasks; expected some 80 bytes a pixel; give more memory (STARMILL_MEMORY, spark.executor.memory) or run fewer tasks at a time"
          .formatted(
              frame.label(), frame.width(), frame.height(), Runtime.getRuntime().maxMemory() >> 20);
    }

    private ExposureRow failed(String reason) {
      return row.withSeconds(seconds).with(ExposureStatus.FAILED, reason);
    }

    /** Adds what the header says of a frame that is not measured, where it can be read. */
    private void describe() {
      if (frame.type() == null) {
        return;
      }
      for (ImageHdu image : reader.scan(frame.path())) {
        if (image.hdu() == frame.hdu()) {
          row =
              row.withFacts(
                  instrument.describe(
                      frame.path(), frame.hdu(), image.width(), image.height(), image.header()));
        }
      }
    }

    private Measured measured() {
      seconds.clear();
      long start = System.nanoTime();
      FitsImage raw;
      try (Trace.Open read = Trace.step("read")) {
        raw = reader.read(frame.path(), frame.hdu());
      }
      FrameFacts facts =
          instrument.describe(frame.path(), frame.hdu(), raw.width(), raw.height(), raw.header());
      row = row.withFacts(facts);
      start = clock("read", start);

      Master bias;
      Master flat;
      try (Trace.Open masters = Trace.step("masters")) {
        bias = MasterCache.OF_THIS_JVM.get(item.bias().path(), configuration());
        flat =
            item.flat() == null
                ? null
                : MasterCache.OF_THIS_JVM.get(item.flat().path(), configuration());
      }
      clock("masters", start);
      Detector detector = facts.detector(bias.readNoise());
      row =
          row.withMasters(
              item.bias().identity(),
              item.flat() == null ? null : item.flat().identity(),
              detector.readNoise());

      Measurement measurement =
          bench.measure(
              facts.frame(raw.pixels(), raw.width(), raw.height(), detector),
              new Masters(bias, flat));
      seconds.putAll(measurement.seconds());
      row =
          row.withMeasured(
              measurement.stars().count(), measurement.summary(), measurement.device());
      if (bench.fallback() != null) {
        row = row.withNotes(List.of(bench.fallback()));
      }

      start = System.nanoTime();
      try (Trace.Open positions = Trace.step("positions")) {
        Sky sky = Sky.of(raw.header(), facts.data(), measurement.stars());
        Magnitudes magnitudes =
            Magnitudes.of(measurement.stars(), facts.exposureSeconds(), Double.NaN);
        return new Measured(measurement.stars(), sky, magnitudes, start);
      }
    }

    private void write(Measured measured) throws IOException {
      try (Trace.Open write = Trace.step("write")) {
        stars
            .writer()
            .write(
                frame.exposureId(),
                measured.stars(),
                measured.sky().ra(),
                measured.sky().dec(),
                measured.magnitudes().mag(),
                measured.magnitudes().magErr());
      }
      clock("write", measured.start());
    }

    private ExposureRow done(Measured measured) {
      row = row.withSeconds(seconds);
      List<String> missing = new ArrayList<>();
      if (item.withoutFlat() != null) {
        missing.add(item.withoutFlat());
      }
      if (measured.sky().reason() != null) {
        missing.add(measured.sky().reason());
      }
      return missing.isEmpty() ? row : row.with(ExposureStatus.PARTIAL, String.join("; ", missing));
    }

    private long clock(String step, long start) {
      long now = System.nanoTime();
      seconds.put(step, (now - start) * 1e-9);
      return now;
    }
  }

  /**
   * An image's stars, ready to be written.
   *
   * @param start of the seconds that writing takes
   */
  private record Measured(
      org.starmill.measure.Stars stars, Sky sky, Magnitudes magnitudes, long start) {}

  /**
   * Positions on the sky.
   *
   * @param ra degrees; null without a WCS
   * @param dec degrees; null without a WCS
   * @param reason why there is no WCS; null where there is one
   */
  private record Sky(double[] ra, double[] dec, String reason) {

    static Sky of(FitsHeader header, Section data, org.starmill.measure.Stars stars) {
      try {
        Wcs wcs = Wcs.of(header).shifted(data.x(), data.y());
        int count = stars.count();
        double[] ra = new double[count];
        double[] dec = new double[count];
        wcs.pixelToSky(stars.x(), stars.y(), ra, dec);
        return new Sky(ra, dec, null);
      } catch (WcsException none) {
        return new Sky(null, null, "no WCS: " + none.getMessage());
      }
    }
  }
}
