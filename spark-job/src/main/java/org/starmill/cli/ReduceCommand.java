package org.starmill.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterBuilder;
import org.starmill.calibrate.Masters;
import org.starmill.campaign.Refused;
import org.starmill.catalog.CsvSources;
import org.starmill.catalog.Magnitudes;
import org.starmill.catalog.SourcesWriter;
import org.starmill.config.CampaignConfig;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.fits.FitsImage;
import org.starmill.fits.FitsWriter;
import org.starmill.fits.FrameReader;
import org.starmill.fits.ImageHdu;
import org.starmill.image.ImageRejected;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.ImageType;
import org.starmill.instrument.Instrument;
import org.starmill.masters.Amplifier;
import org.starmill.masters.CalibrationFrame;
import org.starmill.masters.MasterBuild;
import org.starmill.masters.MasterFrames;
import org.starmill.masters.MasterKind;
import org.starmill.measure.ImageReducer;
import org.starmill.measure.ImageSummary;
import org.starmill.measure.Reduction;
import org.starmill.trace.Trace;
import org.starmill.trace.TraceFile;
import org.starmill.trace.Track;
import org.starmill.wcs.Wcs;
import org.starmill.wcs.WcsException;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Reduces one frame in this process, without Spark, and says what each step costs. */
@Command(
    name = "reduce",
    mixinStandardHelpOptions = true,
    description = {
      "Reduces one raw frame, without Spark: writes sources.parquet and calibrated.fits",
      "(extensions SCI, VAR, MASK) and prints the CPU seconds of each step."
    },
    footer = {
      "",
      "Example:",
      "  starmill reduce d1047.fits.bz2 --bias 'd100*.fits.bz2' --flat 'd103*.fits.bz2' \\",
      "      --out d1047 --instrument nickel --csv",
      "",
      "Exit code 3: the frame could not become stars; the line on stderr says why."
    })
final class ReduceCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "FRAME", description = "The raw frame, a FITS file.")
  String frame;

  @Option(
      names = "--bias",
      required = true,
      arity = "1..*",
      paramLabel = "GLOB",
      description = "Raw bias frames: files, folders or patterns.")
  List<String> biases = new ArrayList<>();

  @Option(
      names = "--flat",
      arity = "1..*",
      paramLabel = "GLOB",
      description =
          "Raw flat frames of the frame's filter. Without them the image is left without a flat.")
  List<String> flats = new ArrayList<>();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      converter = LocalFolder.class,
      description = "Local folder for what comes out; files of these names in it are replaced.")
  Path out;

  @Option(
      names = "--hdu",
      paramLabel = "N",
      description = "The image's HDU, 0 for the primary; needed where the file has several frames.")
  Integer hdu;

  @Mixin CampaignOptions.SettingOptions settings;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the Java device; all cores without this option.")
  Integer threads;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description = "Do everything but the masters N times and print medians.")
  int repeat;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "Write what was done when to a local file, for ui.perfetto.dev.")
  Path trace;

  @Option(names = "--csv", description = "Write sources.csv as well.")
  boolean csv;

  @Option(names = "--json", description = "Print the result as JSON.")
  boolean json;

  @Spec CommandSpec spec;

  private final Configuration hadoop = new Configuration();
  private final FrameReader reader = new FrameReader(hadoop);
  private final Map<String, List<Double>> cpuSeconds = new LinkedHashMap<>();
  private final Map<String, List<Double>> wallSeconds = new LinkedHashMap<>();

  /** What is printed. Of both kinds of seconds, {@code seconds} are CPU seconds. */
  record Outcome(
      String frame,
      int hdu,
      int stars,
      double fwhm,
      double skyLevel,
      double skyNoise,
      String device,
      Map<String, Double> seconds,
      Map<String, Double> wallSeconds,
      String noWcs,
      List<String> notes) {}

  @Override
  public Integer call() throws IOException {
    if (repeat < 1) {
      throw new Refused("--repeat %d: expected at least 1".formatted(repeat));
    }
    CampaignConfig config = settings.config();
    Instrument instrument = Instrument.load(config.instrument());
    int workers =
        threads != null
            ? threads
            : config.device().threads() > 0
                ? config.device().threads()
                : Runtime.getRuntime().availableProcessors();
    if (workers < 1) {
      throw new Refused("--threads %d: expected at least 1".formatted(workers));
    }
    // Found, before the work starts.
    checkFrame();
    List<String> biasFiles = files("--bias", biases);
    List<String> flatFiles = flats.isEmpty() ? List.of() : files("--flat", flats);
    requireWritable(out);
    try (TraceFile recorded = BenchCommand.traceFile(trace)) {
      Outcome outcome =
          recorded.record(
              new Track("starmill reduce", "main"),
              frame,
              () -> reduce(config, instrument, workers, biasFiles, flatFiles));
      PrintWriter printed = spec.commandLine().getOut();
      printed.print(json ? Json.of(outcome) + System.lineSeparator() : table(outcome));
      printed.flush();
      return 0;
    } catch (ImageRejected rejected) {
      spec.commandLine().getErr().println("starmill: " + rejected.getMessage());
      spec.commandLine().getErr().flush();
      return Starmill.SOME_IMAGE_FAILED;
    }
  }

  private Outcome reduce(
      CampaignConfig config,
      Instrument instrument,
      int workers,
      List<String> biasFiles,
      List<String> flatFiles)
      throws IOException {
    try (Device device = open(config, workers)) {
      return reduce(config, instrument, device, biasFiles, flatFiles);
    }
  }

  private static Device open(CampaignConfig config, int workers) {
    try (Trace.Open opening = Trace.step("opening the device")) {
      return Devices.choose(config.device().name(), workers, config.device().mostBytes());
    }
  }

  private Outcome reduce(
      CampaignConfig config,
      Instrument instrument,
      Device device,
      List<String> biasFiles,
      List<String> flatFiles)
      throws IOException {
    ImageHdu image;
    FrameFacts facts;
    try (Trace.Open header = Trace.step("header")) {
      image = chosen(instrument);
      facts =
          instrument.describe(frame, image.hdu(), image.width(), image.height(), image.header());
    }
    Clock clock = new Clock(device);
    Masters masters;
    try (Trace.Open building = Trace.step("masters")) {
      masters = masters(config, instrument, device, facts, biasFiles, flatFiles);
    }
    clock.lap("masters");
    Reduction reduction = null;
    String noWcs = null;
    try (ImageReducer reducer = new ImageReducer(device, config.reduction())) {
      for (int time = 0; time < repeat; time++) {
        clock.start();
        FitsImage raw;
        try (Trace.Open read = Trace.step("read")) {
          raw = reader.read(frame, image.hdu());
        }
        clock.lap("read");
        reduction =
            reducer.reduce(
                facts.frame(
                    raw.pixels(),
                    raw.width(),
                    raw.height(),
                    facts.detector(masters.bias().readNoise())),
                masters);
        reduction.cpuSeconds().forEach((step, value) -> add(cpuSeconds, step, value));
        reduction.seconds().forEach((step, value) -> add(wallSeconds, step, value));
        clock.start();
        try (Trace.Open write = Trace.step("write")) {
          noWcs = write(raw, facts, reduction, config.output().compression());
        }
        clock.lap("write");
      }
    }
    ImageSummary summary = reduction.summary();
    return new Outcome(
        frame,
        image.hdu(),
        reduction.stars().count(),
        summary.psfFwhm(),
        summary.skyLevel(),
        summary.skyNoise(),
        reduction.device(),
        medians(cpuSeconds),
        medians(wallSeconds),
        noWcs,
        facts.notes());
  }

  private void checkFrame() throws IOException {
    org.apache.hadoop.fs.Path place = place("FRAME", frame);
    FileStatus status = status(place.getFileSystem(hadoop), place);
    if (status == null) {
      throw new Refused("FRAME %s: no such file; give a raw frame, a FITS file".formatted(frame));
    }
    if (status.isDirectory()) {
      throw new Refused("FRAME %s is a folder; give one raw frame, a FITS file".formatted(frame));
    }
  }

  /** Refuses a folder that could not be made or written to, before the work. */
  static void requireWritable(Path out) {
    Path existing = out.toAbsolutePath();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!Files.isDirectory(existing)) {
      throw new Refused(
          existing.equals(out.toAbsolutePath())
              ? "--out %s is a file; give a folder".formatted(out)
              : "--out %s lies below the file %s; give a folder".formatted(out, existing));
    }
    if (!Files.isWritable(existing)) {
      throw new Refused(
          "--out %s: the folder %s cannot be written to; give another".formatted(out, existing));
    }
  }

  private ImageHdu chosen(Instrument instrument) {
    List<ImageHdu> frames =
        reader.scan(frame).stream()
            .filter(image -> hdu == null || image.hdu() == hdu)
            .filter(image -> hdu != null || instrument.reads(frame, image.hdu(), image.header()))
            .toList();
    if (frames.isEmpty()) {
      throw new Refused(
          hdu == null
              ? "%s holds no frame of the instrument %s; name one with --hdu"
                  .formatted(frame, instrument.name())
              : "%s has no image in HDU %d; give the --hdu of one".formatted(frame, hdu));
    }
    if (frames.size() > 1) {
      throw new Refused(
          "%s holds %d frames, in the HDUs %s; choose one with --hdu"
              .formatted(frame, frames.size(), frames.stream().map(ImageHdu::hdu).toList()));
    }
    return frames.get(0);
  }

  private Masters masters(
      CampaignConfig config,
      Instrument instrument,
      Device device,
      FrameFacts facts,
      List<String> biasFiles,
      List<String> flatFiles) {
    Amplifier amplifier = Amplifier.of(facts);
    // Both lists first: a wrong flat is refused before the biases are combined.
    List<CalibrationFrame> biasFrames =
        frames(instrument, MasterKind.BIAS, biasFiles, amplifier, facts);
    List<CalibrationFrame> flatFrames =
        flatFiles.isEmpty()
            ? List.of()
            : frames(instrument, MasterKind.FLAT, flatFiles, amplifier, facts);
    Master bias =
        new MasterBuilder(device, MasterBuild.settingsOf(MasterKind.BIAS, config.masters()))
            .bias(new MasterFrames(instrument.withAll(ImageType.BIAS), biasFrames, 0, hadoop));
    if (flatFrames.isEmpty()) {
      return new Masters(bias, null);
    }
    return new Masters(
        bias,
        new MasterBuilder(device, MasterBuild.settingsOf(MasterKind.FLAT, config.masters()))
            .flat(
                new MasterFrames(
                    instrument.withAll(ImageType.FLAT), flatFrames, bias.readNoise(), hadoop),
                bias));
  }

  /** The frames of the image's own amplifier in the files. */
  private List<CalibrationFrame> frames(
      Instrument instrument,
      MasterKind kind,
      List<String> files,
      Amplifier amplifier,
      FrameFacts science) {
    List<CalibrationFrame> frames = new ArrayList<>();
    String filter = null;
    for (String path : files) {
      for (ImageHdu image : reader.scan(path)) {
        if (!instrument.reads(path, image.hdu(), image.header())) {
          continue;
        }
        FrameFacts facts = facts(instrument, kind, path, image);
        Amplifier own = Amplifier.of(facts);
        if (own.equals(amplifier)) {
          filter = facts.filter();
          frames.add(
              new CalibrationFrame(
                  frames.size(),
                  path,
                  image.hdu(),
                  0,
                  kind,
                  own,
                  facts.night(),
                  filter,
                  facts.mjd(),
                  facts.exposureSeconds()));
        }
      }
    }
    if (frames.isEmpty()) {
      throw new Refused(
          "--%s: none of the %d files has a frame of %s, as %s is; give frames of the same camera"
              .formatted(
                  kind.name().toLowerCase(Locale.ROOT), files.size(), amplifier.label(), frame));
    }
    if (kind == MasterKind.FLAT && !science.filter().equals(filter)) {
      System.err.printf(
          "starmill: note: the flats are of filter %s, the frame of %s%n",
          filter, science.filter());
    }
    return frames;
  }

  /** What is known of a frame; where its type is not, it is what the option says. */
  private static FrameFacts facts(
      Instrument instrument, MasterKind kind, String path, ImageHdu image) {
    ImageType expected = ImageType.valueOf(kind.name());
    FrameFacts facts;
    try {
      facts = instrument.describe(path, image.hdu(), image.width(), image.height(), image.header());
    } catch (ImageRejected rejected) {
      if (!rejected.reason().equals("unknown image type")) {
        throw rejected;
      }
      return instrument
          .withAll(expected)
          .describe(path, image.hdu(), image.width(), image.height(), image.header());
    }
    if (facts.type() != expected) {
      throw new Refused(
          "--%s %s, HDU %d: found a %s frame, expected %s; leave it out, or correct type.words or type.rules in the instrument file"
              .formatted(expected.word(), path, image.hdu(), facts.type().word(), expected.word()));
    }
    return facts;
  }

  /** Writes all files; says why there are no positions on the sky, or null. */
  private String write(FitsImage raw, FrameFacts facts, Reduction reduction, String compression)
      throws IOException {
    int count = reduction.stars().count();
    double[] ra = new double[count];
    double[] dec = new double[count];
    String noWcs = null;
    try {
      Wcs.of(raw.header())
          .shifted(facts.data().x(), facts.data().y())
          .pixelToSky(reduction.stars().x(), reduction.stars().y(), ra, dec);
    } catch (WcsException e) {
      noWcs = e.getMessage();
      ra = null;
      dec = null;
    }
    Magnitudes magnitudes = Magnitudes.of(reduction.stars(), facts.exposureSeconds(), Double.NaN);
    Files.createDirectories(out);
    Path parquet = out.resolve(".sources.parquet.tmp");
    try (SourcesWriter writer =
        new SourcesWriter(
            new org.apache.hadoop.fs.Path(parquet.toUri()),
            hadoop,
            compression,
            reduction.stars().apertures())) {
      writer.write(0, reduction.stars(), ra, dec, magnitudes.mag(), magnitudes.magErr());
    }
    place(parquet, "sources.parquet");
    Files.deleteIfExists(out.resolve("..sources.parquet.tmp.crc"));
    if (csv) {
      Path text = out.resolve(".sources.csv.tmp");
      try (CsvSources writer =
          new CsvSources(
              Files.newBufferedWriter(text, StandardCharsets.UTF_8),
              reduction.stars().apertures())) {
        writer.write(0, reduction.stars(), ra, dec, magnitudes.mag(), magnitudes.magErr());
      }
      place(text, "sources.csv");
    }
    new FitsWriter(hadoop)
        .writeCalibrated(
            new org.apache.hadoop.fs.Path(out.resolve("calibrated.fits").toUri()).toString(),
            raw.header(),
            reduction.image(),
            facts.data().x(),
            facts.data().y());
    return noWcs;
  }

  private void place(Path file, String name) throws IOException {
    Files.move(
        file,
        out.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /** The files that patterns, folders and names stand for, in order. */
  private List<String> files(String option, List<String> patterns) {
    List<String> files = new ArrayList<>();
    for (String pattern : patterns) {
      org.apache.hadoop.fs.Path place = place(option, pattern);
      int before = files.size();
      try {
        FileSystem fileSystem = place.getFileSystem(hadoop);
        FileStatus itself = status(fileSystem, place);
        if (itself != null && itself.isFile()) {
          files.add(itself.getPath().toString());
          continue;
        }
        FileStatus[] found =
            itself != null ? fileSystem.listStatus(place) : fileSystem.globStatus(place);
        Stream.of(found == null ? new FileStatus[0] : found)
            .filter(FileStatus::isFile)
            .filter(file -> !file.getPath().getName().startsWith("."))
            .map(file -> file.getPath().toString())
            .sorted()
            .forEach(files::add);
      } catch (IOException unreadable) {
        throw new Refused(
            "%s %s cannot be listed: %s; see that it can be reached and read, or give another"
                .formatted(option, pattern, unreadable.getMessage()),
            unreadable);
      }
      if (files.size() == before) {
        throw new Refused(
            "%s %s: no such file; give raw frames by name, folder or pattern"
                .formatted(option, pattern));
      }
    }
    return files;
  }

  /** The place a word names, as Hadoop takes it: {@code file:} and plain paths, and others. */
  private org.apache.hadoop.fs.Path place(String what, String word) {
    try {
      org.apache.hadoop.fs.Path place = new org.apache.hadoop.fs.Path(word);
      place.getFileSystem(hadoop);
      return place;
    } catch (IOException | IllegalArgumentException noPlace) {
      throw new Refused(
          "%s '%s': %s; give a path, plain or of file: or another Hadoop file system"
              .formatted(what, word, noPlace.getMessage()),
          noPlace);
    }
  }

  /** Null where nothing is there. */
  private static FileStatus status(FileSystem fileSystem, org.apache.hadoop.fs.Path place)
      throws IOException {
    try {
      return fileSystem.getFileStatus(place);
    } catch (FileNotFoundException | ParentNotDirectoryException absent) {
      return null;
    }
  }

  private static void add(Map<String, List<Double>> times, String step, double value) {
    times.computeIfAbsent(step, s -> new ArrayList<>()).add(value);
  }

  private static Map<String, Double> medians(Map<String, List<Double>> times) {
    Map<String, Double> medians = new LinkedHashMap<>();
    for (String step : Tally.STEPS) {
      if (times.containsKey(step)) {
        medians.put(step, Tally.median(times.get(step)));
      }
    }
    return medians;
  }

  private String table(Outcome outcome) {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"step", "CPU seconds", "wall seconds"});
    outcome
        .seconds()
        .forEach(
            (step, cpu) ->
                rows.add(
                    new String[] {step, seconds(cpu), seconds(outcome.wallSeconds().get(step))}));
    rows.add(
        new String[] {"all", seconds(sum(outcome.seconds())), seconds(sum(outcome.wallSeconds()))});
    StringBuilder text = new StringBuilder(Tables.columns(rows));
    text.append(
        String.format(
            Locale.ROOT,
            "%n%,d stars, FWHM %.2f pixels, sky %.1f +- %.1f e-, device %s%n",
            outcome.stars(),
            outcome.fwhm(),
            outcome.skyLevel(),
            outcome.skyNoise(),
            outcome.device()));
    if (outcome.noWcs() != null) {
      text.append("no positions on the sky: ").append(outcome.noWcs()).append(String.format("%n"));
    }
    outcome.notes().forEach(note -> text.append("note: ").append(note).append(String.format("%n")));
    return text.append("written to ").append(out).append(String.format("%n")).toString();
  }

  private static double sum(Map<String, Double> seconds) {
    return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  private static String seconds(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  /** Reads the name of a folder of this machine, plain or as a {@code file:} path. */
  static final class LocalFolder implements ITypeConverter<Path> {
    private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):/.*");

    @Override
    public Path convert(String word) {
      if (word.isBlank()) {
        throw new TypeConversionException("--out '': expected the name of a folder; give one");
      }
      Matcher scheme = SCHEME.matcher(word);
      if (!scheme.matches()) {
        return Path.of(word);
      }
      if (!scheme.group(1).equals("file")) {
        throw new TypeConversionException(
            "--out %s: expected a folder of this machine, found one of %s:; give a plain path"
                .formatted(word, scheme.group(1)));
      }
      return Path.of(new org.apache.hadoop.fs.Path(word).toUri().getPath());
    }
  }

  /** Takes CPU and wall time of what is not the reducer's. */
  private final class Clock {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Device device;
    private long wall;
    private long cpu;

    Clock(Device device) {
      this.device = device;
      start();
    }

    void start() {
      wall = System.nanoTime();
      cpu = cpu();
    }

    void lap(String step) {
      add(wallSeconds, step, (System.nanoTime() - wall) * 1e-9);
      add(cpuSeconds, step, (cpu() - cpu) * 1e-9);
      start();
    }

    private long cpu() {
      return THREADS.getCurrentThreadCpuTime() + device.helperCpuNanos();
    }
  }
}
