package org.starmill.campaign;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
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
 * Reduces a task's images one after another and writes their stars to one file; the next frame may
 * be read meanwhile.
 *
 * <p>The file has a name of its own for each attempt of the task; which attempts count is the
 * driver's to say. Whatever is wrong with an image becomes its row's reason, too little memory for
 * it or too much time among them. What is wrong with the device or the file written to ends the
 * task. An image that may have ended the process of an earlier attempt comes last, with nothing
 * beside it in the process.
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

  /** Held by each image in work of this JVM; alone by one that may end it. */
  private static final ReentrantReadWriteLock IN_WORK = new ReentrantReadWriteLock(true);

  private final Instrument instrument;
  private final CampaignConfig config;
  private final Campaign.Identity campaign;
  private final String folder;
  private final int taskCpus;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final LongAccumulator counter;
  private final TaskTrace trace;
  private final FramesInWork.Account account;

  /**
   * @param folder that files of stars go to
   * @param counter gets one for each image that is done
   * @param trace keeps what is done when
   * @param account of the frames in work
   */
  BatchTask(
      Instrument instrument,
      CampaignConfig config,
      Campaign.Identity campaign,
      String folder,
      int taskCpus,
      Broadcast<SerializableConfiguration> hadoop,
      LongAccumulator counter,
      TaskTrace trace,
      FramesInWork.Account account) {
    this.instrument = instrument;
    this.config = config;
    this.campaign = campaign;
    this.folder = folder;
    this.taskCpus = taskCpus;
    this.hadoop = hadoop;
    this.counter = counter;
    this.trace = trace;
    this.account = account;
  }

  Result run(List<WorkItem> items) {
    return trace.of("%d images".formatted(items.size()), () -> measured(items));
  }

  private Result measured(List<WorkItem> items) {
    TaskContext task = TaskContext.get();
    MasterCache.OF_THIS_JVM.bound(config.batch().mastersBytes(Runtime.getRuntime().maxMemory()));
    String file = "part-%05d-%d.parquet".formatted(task.partitionId(), task.taskAttemptId());
    return Workbench.with(
        config,
        taskCpus,
        bench -> {
          try (Stars stars = new Stars(new Path(folder, file));
              FramesInWork.Marks marks = account.open()) {
            Share share = new Share(items, bench, stars, marks);
            List<ExposureRow> exposures = share.rows();
            return new Result(stars.writer == null ? null : file, exposures);
          } catch (IOException | FSError | ParquetRuntimeException e) {
            throw new CampaignStopped(
                "the stars of %d images cannot be written to %s/%s: %s; what was committed counts; see that the disk or store has room and can be written, and give the command again"
                    .formatted(items.size(), folder, file, Inputs.cause(e)),
                e);
          }
        });
  }

  /** The images of this task, one after the other. */
  private final class Share {
    private final List<WorkItem> items;
    private final Workbench bench;
    private final Stars stars;
    private final FramesInWork.Marks marks;
    private final Map<Long, Integer> suspects;

    Share(List<WorkItem> items, Workbench bench, Stars stars, FramesInWork.Marks marks) {
      this.bench = bench;
      this.stars = stars;
      this.marks = marks;
      this.suspects = marks.suspects(items);
      this.items = new ArrayList<>(items);
      // Nothing is lost with them then but themselves.
      this.items.sort(Comparator.comparing(this::isSuspect));
    }

    private boolean isSuspect(WorkItem item) {
      return suspects.containsKey(item.frame().exposureId());
    }

    List<ExposureRow> rows() throws IOException {
      List<ExposureRow> rows = new ArrayList<>();
      try (ReadAhead frames = readAhead();
          TimeLimit limit = new TimeLimit(config.batch().secondsAnImage(), trace::inPlace)) {
        for (WorkItem item : items) {
          Exposure exposure = new Exposure(item, bench, stars, marks, frames, limit);
          try (Trace.Open image = Trace.image(item.frame().label())) {
            rows.add(isSuspect(item) ? alone(exposure) : besideOthers(exposure));
          }
          counter.add(1);
        }
      }
      return rows;
    }

    private ReadAhead readAhead() {
      FrameReader reader = new FrameReader(configuration());
      return new ReadAhead(
          items.stream()
              .filter(item -> item.reason() == null && !isSuspect(item))
              .map(WorkItem::frame)
              .toList(),
          frame -> {
            marks.begin(frame);
            return reader.read(frame.path(), frame.hdu());
          },
          config.device().readsAhead(bench.device().isOpenCl()),
          reading -> trace.beside("reading ahead", reading));
    }

    private ExposureRow besideOthers(Exposure exposure) throws IOException {
      return locked(IN_WORK.readLock(), exposure);
    }

    private ExposureRow alone(Exposure exposure) throws IOException {
      // Another attempt may be done with it by now.
      int times = marks.suspects(items).getOrDefault(exposure.frame.exposureId(), 0);
      return times >= FramesInWork.TRIES
          ? exposure.setAside(times)
          : locked(IN_WORK.writeLock(), exposure);
    }

    private ExposureRow locked(Lock lock, Exposure exposure) throws IOException {
      try {
        // Not the plain tryLock, which would pass by an image that waits to be alone.
        if (!lock.tryLock(0, TimeUnit.SECONDS)) {
          try (Trace.Open waiting = Trace.waiting("for an image that must be alone")) {
            lock.lockInterruptibly();
          }
        }
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        throw new UncheckedIOException(new InterruptedIOException("the task was told to stop"));
      }
      try {
        marks.begin(exposure.frame);
        return exposure.row();
      } finally {
        try {
          marks.end(exposure.frame);
        } finally {
          lock.unlock();
        }
      }
    }
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

  /** How far an image is, as far as another thread needs to know. */
  private enum Stage {
    READING,
    MEASURING,
    GIVEN_UP
  }

  /** One image on its way to a row. */
  private final class Exposure {
    private final WorkItem item;
    private final PlannedFrame frame;
    private final Workbench bench;
    private final Stars stars;
    private final FramesInWork.Marks marks;
    private final ReadAhead frames;
    private final TimeLimit limit;
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.READING);
    private volatile ExposureRow row;

    Exposure(
        WorkItem item,
        Workbench bench,
        Stars stars,
        FramesInWork.Marks marks,
        ReadAhead frames,
        TimeLimit limit) {
      this.item = item;
      this.frame = item.frame();
      this.bench = bench;
      this.stars = stars;
      this.marks = marks;
      this.frames = frames;
      this.limit = limit;
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
          limit.within(this::described);
          return row.with(ExposureStatus.FAILED, item.reason());
        }
        measured = limit.within(this::measuredOnceThereIsRoom);
      } catch (ImageRejected rejected) {
        return failed(rejected.getMessage());
      } catch (TimeLimit.TimeUp late) {
        return givenUp(late);
      } catch (DeviceException | FramesInWork.Unwritable endsTheTask) {
        throw endsTheTask;
      } catch (OutOfMemoryError tooLarge) {
        dropWhatCanBeMadeAgain();
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
     * Measures; where the heap is full once more, when the buffers of this task and the frame it
     * has read ahead are free again and no other image of this JVM does the same.
     */
    private Measured measuredOnceThereIsRoom() {
      try {
        return measured();
      } catch (OutOfMemoryError full) {
        dropWhatCanBeMadeAgain();
        synchronized (ONE_AT_A_TIME) {
          return measured();
        }
      }
    }

    private void dropWhatCanBeMadeAgain() {
      refuseIfGivenUp();
      frames.close();
      bench.dropBuffers();
    }

    /** Keeps a thread that comes back late off the bench, where another image is by now. */
    private void refuseIfGivenUp() {
      if (stage.get() == Stage.GIVEN_UP) {
        throw new IllegalStateException("given up");
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
    private ExposureRow described() {
      if (frame.type() == null) {
        return row;
      }
      for (ImageHdu image : new FrameReader(configuration()).scan(frame.path())) {
        if (image.hdu() == frame.hdu()) {
          row =
              row.withFacts(
                  instrument.describe(
                      frame.path(), frame.hdu(), image.width(), image.height(), image.header()));
        }
      }
      return row;
    }

    /** The row of an image that nobody waits for any longer. */
    private ExposureRow givenUp(TimeLimit.TimeUp late) {
      boolean onTheBench = stage.getAndSet(Stage.GIVEN_UP) == Stage.MEASURING;
      frames.close();
      if (late.leftBehind() && onTheBench) {
        try {
          bench.leaveBehind("measuring " + frame.label());
        } catch (DeviceException endsTheTask) {
          marks.blame(frame);
          throw endsTheTask;
        }
      }
      // What the steps took so far may still be written to, by the thread that was left behind.
      return row.with(
          ExposureStatus.FAILED,
          "time limit: %s was in work for more than %d s, at the end in %s; expected less (batch.time-limit); see whether its disk answers, or allow more"
              .formatted(frame.label(), config.batch().secondsAnImage(), late.where()));
    }

    /** The row of an image that is not opened any more. */
    private ExposureRow setAside(int times) {
      return row.with(
          ExposureStatus.FAILED,
          "process ended: the process ended, or its device hung, %d times while it worked on %s; expected it to go on; look for the end in its log (a crash of a library, more memory than it may have), give more memory beside the heap, or leave the file out"
              .formatted(times, frame.label()));
    }

    private Measured measured() {
      seconds.clear();
      ReadAhead.Frame read = frames.take(frame);
      seconds.put("read", read.seconds());
      FitsImage raw = read.image();
      long start = System.nanoTime();
      FrameFacts facts =
          instrument.describe(frame.path(), frame.hdu(), raw.width(), raw.height(), raw.header());
      row = row.withFacts(facts);

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

      stage.compareAndSet(Stage.READING, Stage.MEASURING);
      refuseIfGivenUp();
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

    private void clock(String step, long start) {
      seconds.put(step, (System.nanoTime() - start) * 1e-9);
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
