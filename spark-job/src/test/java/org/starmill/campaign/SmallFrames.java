package org.starmill.campaign;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.median;
import static org.apache.spark.sql.functions.sum;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.starmill.cli.Starmill;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.Simulation;
import org.starmill.sample.SimulationSettings;
import org.starmill.trace.Recording;
import org.starmill.trace.Span;

/**
 * Times what the command {@code run} costs beside its images, on many small frames.
 *
 * <p>The frames are copies of a few simulated ones, each with a name, an object and a time of its
 * own. The command runs over them in a JVM of its own with two tasks at a time, from a cold start,
 * once for each number of images a batch. Its overhead is what is not in the columns {@code
 * seconds_read} to {@code seconds_write} of the exposures: of the wall time from the start of the
 * process to its end, on both cores, and of the process's CPU time. Since seconds in images grow
 * where other programs use the cores, it also tells the CPU time of the images' threads, and what
 * the run had of both cores beside that and beside the other programs.
 */
public final class SmallFrames {
  private static final int CORES = 2;
  private static final int ORIGINALS = 20;
  private static final int SIDE = 128;
  private static final int STARS = 30;

  /** Of the faintest star: a field with so few needs bright ones for its PSF. */
  private static final double FAINTEST = 19;

  private static final int CARD = 80;
  private static final LocalDateTime EVENING = LocalDateTime.of(2026, 2, 14, 3, 0);

  private static final List<String> STEPS = List.of("plan", "masters", "batches", "commit");

  private SmallFrames() {}

  /**
   * Times runs.
   *
   * @param arguments number of images; a folder for frames, which are made where there are none,
   *     and catalogs, which are replaced; numbers of images a batch, 64 and 1000 without
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length < 2) {
      System.err.println("usage: SmallFrames IMAGES FOLDER [BATCH...]");
      System.exit(2);
    }
    int images = (int) Double.parseDouble(arguments[0]);
    Path folder = Path.of(arguments[1]).toAbsolutePath();
    List<String> batches = List.of(arguments).subList(2, arguments.length);
    Path frames = folder.resolve("frames-" + images);
    if (!Files.exists(frames)) {
      write(images, folder.resolve("originals"), frames);
    }
    for (String batch : batches.isEmpty() ? List.of("64", "1000") : batches) {
      time(images, frames, folder.resolve("catalog-" + batch), batch);
    }
  }

  /** Makes the frames, under another name until all are there. */
  private static void write(int images, Path originals, Path frames) throws IOException {
    remove(originals);
    Path part = frames.resolveSibling(frames.getFileName() + ".part");
    remove(part);
    Files.createDirectories(part);
    CameraSettings sky = CameraSettings.ztfLike();
    List<Path> simulated =
        Simulation.write(
            originals,
            SimulationSettings.of(
                    sky.withStars(
                            new CameraSettings.Stars(
                                STARS,
                                sky.stars().slope(),
                                sky.stars().brightest(),
                                FAINTEST,
                                sky.stars().zeroPoint()))
                        .withSize(SIDE, SIDE)
                        .withoutBlemishes()
                        .withSeed(5),
                    ORIGINALS)
                .withCalibrations(3, 3),
            (file, done, total) -> {});
    List<byte[]> science = new ArrayList<>();
    for (Path frame : simulated) {
      if (frame.getFileName().toString().startsWith("sci_")) {
        science.add(Files.readAllBytes(frame));
      } else {
        Files.copy(frame, part.resolve(frame.getFileName()));
      }
    }
    for (int i = 0; i < images; i++) {
      byte[] frame = science.get(i % science.size()).clone();
      LocalDateTime start = EVENING.plusNanos(2_500_000_000L * i);
      set(frame, "OBJECT", "'field %06d'".formatted(i + 1));
      set(frame, "DATE-OBS", "'%s'".formatted(start));
      double seconds = start.toLocalTime().toNanoOfDay() * 1e-9 + 86_400 * (start.getDayOfYear());
      set(frame, "MJD-OBS", "%.8f".formatted(61_040 + seconds / 86_400));
      Files.write(part.resolve("sci_%06d_g.fits".formatted(i + 1)), frame);
    }
    Files.move(part, frames);
  }

  private static void set(byte[] frame, String key, String value) {
    for (int at = 0; at + CARD <= frame.length; at += CARD) {
      String card = new String(frame, at, CARD, StandardCharsets.US_ASCII);
      if (card.startsWith("%-8s= ".formatted(key))) {
        byte[] changed = "%-8s= %-70s".formatted(key, value).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(changed, 0, frame, at, CARD);
        return;
      }
    }
    throw new IllegalStateException("the simulated frames have no card " + key);
  }

  private static void remove(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> below = Files.walk(folder)) {
        for (Path path : below.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static void time(int images, Path frames, Path catalog, String batch)
      throws IOException, InterruptedException {
    remove(catalog);
    Path measured = catalog.resolveSibling(catalog.getFileName() + ".properties");
    Path log = catalog.resolveSibling(catalog.getFileName() + ".log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-Xmx4g"));
    for (String property : List.of("log4j2.configurationFile", "starmill.home")) {
      if (System.getProperty(property) != null) {
        command.add("-D%s=%s".formatted(property, System.getProperty(property)));
      }
    }
    command.add("-Dspark.master=local[%d]".formatted(CORES));
    command.addAll(List.of(System.getProperty("child.options", "").strip().split("\\s+")));
    command.removeIf(String::isEmpty);
    command.addAll(List.of("-cp", ChildRun.classPath(), Watched.class.getName()));
    command.add(measured.toString());
    command.addAll(List.of("run", "--input", frames.toString(), "--output", catalog.toString()));
    command.addAll(List.of("--device", "java", "--set", "batch.images=" + batch));
    // A frame with so few stars is no place for a PSF that varies.
    command.addAll(List.of("--set", "psf.order=0", "--set", "psf.residual-order=none"));
    double before = machineCpuSeconds();
    long began = System.currentTimeMillis();
    long start = System.nanoTime();
    Process child =
        new ProcessBuilder(command)
            .directory(catalog.getParent().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    int code = child.waitFor();
    double wall = (System.nanoTime() - start) * 1e-9;
    if (code != 0) {
      throw new IllegalStateException("the run ended with exit code %d: %s".formatted(code, log));
    }
    Properties of = new Properties();
    try (Reader in = Files.newBufferedReader(measured)) {
      of.load(in);
    }
    double others = machineCpuSeconds() - before - number(of, "cpu");
    print(images, catalog, batch, began * 1e-3, wall, of, others);
  }

  private static void print(
      int images,
      Path catalog,
      String batch,
      double began,
      double wall,
      Properties of,
      double others) {
    Column seconds = null;
    var exposures = SmallNight.exposures(catalog);
    for (String column : exposures.columns()) {
      if (column.startsWith("seconds_")) {
        Column value = coalesce(col(column), lit(0.0));
        seconds = seconds == null ? value : seconds.plus(value);
      }
    }
    Row sums =
        exposures
            .agg(
                count(col("path")),
                sum(seconds),
                median(seconds),
                sum(col("status").equalTo("ok").cast("long")),
                sum("n_stars"))
            .head();
    double inImages = sums.getDouble(1);
    double cpu = number(of, "cpu");
    System.out.printf(
        Locale.ROOT,
        "%,d images, %,d of them ok, %,d stars, batch.images=%s%n",
        sums.getLong(0),
        sums.getLong(3),
        sums.getLong(4),
        batch);
    System.out.printf(
        Locale.ROOT,
        "  wall %.1f s: %.1f to the plan, plan %.1f, masters %.1f, batches %.1f, commits %.1f, after them %.1f, between %.1f%n",
        wall,
        number(of, "begin") - began,
        number(of, "plan"),
        number(of, "masters"),
        number(of, "batches"),
        number(of, "commit"),
        began + wall - number(of, "end"),
        number(of, "end")
            - number(of, "begin")
            - STEPS.stream().mapToDouble(step -> number(of, step)).sum());
    System.out.printf(
        Locale.ROOT,
        "  in images %.1f s, the median image %.2f ms; CPU %.1f s%s%n",
        inImages,
        1e3 * sums.getDouble(2),
        cpu,
        byThreads(of));
    // Without the writing of the rows, which the tasks' own threads do.
    double cpuOfImages = number(of, "images");
    System.out.printf(
        Locale.ROOT,
        "  overhead a frame: %.2f ms of %d cores' wall time, %.2f ms of CPU time%n",
        1e3 * (CORES * wall - inImages) / images,
        CORES,
        1e3 * (cpu - cpuOfImages) / images);
    if (!Double.isNaN(others)) {
      System.out.printf(
          Locale.ROOT,
          "  other programs took %.1f s of CPU: %.2f ms of what they left of %d cores, less the CPU time of images%n",
          others,
          1e3 * (CORES * wall - others - cpuOfImages) / images,
          CORES);
    }
    System.out.flush();
  }

  /** CPU seconds that all programs of this machine have taken; NaN where it does not tell. */
  private static double machineCpuSeconds() throws IOException {
    Path stat = Path.of("/proc/stat");
    if (!Files.exists(stat)) {
      return Double.NaN;
    }
    // proc(5): user nice system idle iowait irq softirq steal, in ticks.
    String[] fields = Files.readAllLines(stat).get(0).split("\\s+");
    double ticks = 0;
    for (int field : new int[] {1, 2, 3, 6, 7, 8}) {
      ticks += Long.parseLong(fields[field]);
    }
    return ticks / 100;
  }

  private static String byThreads(Properties of) {
    double rest = number(of, "cpu");
    StringBuilder text = new StringBuilder();
    for (String key : new TreeSet<>(of.stringPropertyNames())) {
      if (key.startsWith("cpu.")) {
        text.append(String.format(Locale.ROOT, ", %s %.1f", key.substring(4), number(of, key)));
        rest -= number(of, key);
      }
    }
    return text.isEmpty()
        ? ""
        : ":" + text.substring(1) + String.format(Locale.ROOT, ", threads that ended %.1f", rest);
  }

  private static double number(Properties of, String key) {
    return Double.parseDouble(of.getProperty(key));
  }

  /** The command line, of whose steps it writes down at the end what they took. */
  public static final class Watched {
    /** What a thread does between its last look and its end is not seen. */
    private static final long BETWEEN_LOOKS_NANOS = 10_000_000;

    private static final Map<Long, Long> OF_IMAGES = new ConcurrentHashMap<>();

    private Watched() {}

    /**
     * Does a command.
     *
     * @param arguments the file that is written at the end; the command
     */
    public static void main(String[] arguments) {
      Recording recording = Recording.begin();
      Path file = Path.of(arguments[0]);
      Thread looking = new Thread(Watched::lookAtImages);
      looking.setDaemon(true);
      looking.start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> write(file, recording.take())));
      Starmill.main(Arrays.copyOfRange(arguments, 1, arguments.length));
    }

    /** Keeps the CPU time of the threads that images are in, which end with their tasks. */
    private static void lookAtImages() {
      ThreadMXBean clocks = ManagementFactory.getThreadMXBean();
      ThreadGroup all = Thread.currentThread().getThreadGroup();
      while (all.getParent() != null) {
        all = all.getParent();
      }
      Thread[] threads = new Thread[10_000];
      while (true) {
        int count = all.enumerate(threads);
        for (int i = 0; i < count; i++) {
          if (threads[i].getName().endsWith("at an image")) {
            long nanos = clocks.getThreadCpuTime(threads[i].getId());
            OF_IMAGES.merge(threads[i].getId(), nanos, Math::max);
          }
        }
        LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
      }
    }

    private static void write(Path file, List<Span> spans) {
      Properties of = new Properties();
      STEPS.forEach(step -> of.setProperty(step, "0"));
      double images = 1e-9 * OF_IMAGES.values().stream().mapToLong(Long::longValue).sum();
      of.setProperty("images", Double.toString(images));
      for (Span span : spans) {
        String step = span.name().startsWith("batch-") ? "batches" : span.name();
        if (STEPS.contains(step)) {
          of.setProperty(step, Double.toString(number(of, step) + span.nanos() * 1e-9));
          of.putIfAbsent("begin", Double.toString(span.start() * 1e-9));
          of.setProperty("end", Double.toString(span.end() * 1e-9));
        }
      }
      try (Writer out = Files.newBufferedWriter(file)) {
        cpuSeconds().forEach((what, seconds) -> of.setProperty(what, Double.toString(seconds)));
        of.store(out, null);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /**
     * CPU seconds: of this process with those it started; and, where the system tells, of its
     * threads that are there at the end, by what they do. Those of images have ended by then.
     */
    private static Map<String, Double> cpuSeconds() throws IOException {
      var system =
          (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      Map<String, Double> seconds = new TreeMap<>();
      seconds.put("cpu", system.getProcessCpuTime() * 1e-9);
      Path process = Path.of("/proc/self");
      if (!Files.exists(process.resolve("task"))) {
        return seconds;
      }
      // Ticks of 1/100 s (proc(5)): utime, stime, and cutime, cstime of processes that have ended.
      double started = ticks(process, 16) + ticks(process, 17);
      seconds.merge("cpu", started, Double::sum);
      seconds.put("cpu.processes", started);
      try (Stream<Path> threads = Files.list(process.resolve("task"))) {
        for (Path thread : threads.toList()) {
          try {
            String name = Files.readString(thread.resolve("comm")).strip();
            seconds.merge("cpu." + does(name), ticks(thread, 14) + ticks(thread, 15), Double::sum);
          } catch (NoSuchFileException ended) {
            // Then it counts with the others that have.
            continue;
          }
        }
      }
      return seconds;
    }

    private static String does(String thread) {
      if (thread.matches("C[12] Compiler.*")) {
        return "compiling";
      }
      if (thread.matches("(GC Thread|G1 |VM Thread|VM Periodic).*")) {
        return "collecting";
      }
      return thread.startsWith("Executor task l") ? "tasks" : "driver";
    }

    private static double ticks(Path of, int field) throws IOException {
      String text = Files.readString(of.resolve("stat"));
      // The second field, a name in brackets, may hold blanks; behind it stands the third.
      String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
      return Long.parseLong(fields[field - 3]) * 1e-2;
    }
  }
}
