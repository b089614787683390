package org.starmill.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.starmill.measure.ApertureSettings;
import org.starmill.measure.CosmicRaySettings;
import org.starmill.measure.ReductionSettings;
import org.starmill.psf.PsfModel;

/**
 * All settings of a campaign.
 *
 * <p>Laid over one another from {@code conf/starmill.conf}, which documents every key, the
 * instrument's own defaults, the file of {@code --config} and each {@code --set key=value}; the
 * last one wins. A key that is not in {@code conf/starmill.conf} is refused. Immutable and
 * serializable.
 *
 * @param instrument name or path of the instrument file
 * @param device what the kernels run on
 * @param masters how bias and flat frames are combined
 * @param masterLimits from which changes on a master is warned of
 * @param reduction every choice the reduction of one image depends on
 * @param batch how work is cut
 * @param output how tables are written
 * @param cost what a run is expected to cost
 */
public record CampaignConfig(
    String instrument,
    DeviceChoice device,
    MasterSettings masters,
    MasterLimits masterLimits,
    ReductionSettings reduction,
    BatchSettings batch,
    OutputSettings output,
    CostSettings cost)
    implements Serializable {

  private static final String DEFAULTS = "conf/starmill.conf";

  private static final int MOST_FRAMES = org.starmill.calibrate.MasterSettings.MOST_FRAMES;

  /** Begins the keys that change no master and no catalog, only what is warned of. */
  private static final String WARNINGS = "masters.warn-";

  /** Sections that do not change what is measured, only where and how fast. */
  private static final Set<String> WITHOUT_EFFECT_ON_RESULTS =
      Set.of("device", "batch", "output", "cost");

  /** Sections that an instrument file may bring defaults for. */
  private static final Set<String> OF_AN_INSTRUMENT =
      Set.of("masters", "sky", "cosmic-rays", "trails", "detect", "psf", "measure", "apertures");

  /**
   * What the kernels run on.
   *
   * @param name auto, gpu, opencl-cpu or java
   * @param fallsBackToJava whether the Java device takes over where the named one is missing or
   *     fails
   * @param threads threads of the Java device for one image; 0 for as many as Spark gives a task
   * @param mostMegabytes memory that kernels may take of an OpenCL device, units of 10^6 bytes; 0
   *     for three quarters of what it has
   * @param readAhead auto, true or false: whether a task's next frame is read while kernels run
   */
  public record DeviceChoice(
      String name, boolean fallsBackToJava, int threads, int mostMegabytes, String readAhead) {

    /** Whether the next frame is read while kernels run on an OpenCL device, or on Java's. */
    public boolean readsAhead(boolean openCl) {
      return readAhead.equals("auto") ? openCl : readAhead.equals("true");
    }

    /** The same in bytes. */
    public long mostBytes() {
      return 1_000_000L * mostMegabytes;
    }
  }

  /**
   * How bias and flat frames are combined.
   *
   * @param minBiasFrames fewest bias frames that make a master
   * @param minFlatFrames fewest flat frames that make a master
   * @param maxFrames most frames that go into one master
   * @param clipSigma values further from a pixel's median are left out, in standard deviations
   * @param farthestNight most nights between an image and the frames of its masters; -1 where they
   *     may be any
   * @param flatRequired whether an image without a flat fails
   */
  public record MasterSettings(
      int minBiasFrames,
      int minFlatFrames,
      int maxFrames,
      double clipSigma,
      int farthestNight,
      boolean flatRequired)
      implements Serializable {

    /** Whether frames may be too many nights away. */
    public boolean hasFarthestNight() {
      return farthestNight >= 0;
    }
  }

  /**
   * From which changes on a master is warned of, against that of the night before; infinite for no
   * warning.
   *
   * @param biasLevel ADU that its level, or that of a part of it, may change by
   * @param flatLevel the same of a flat, relative to its median
   * @param scatter scatter of the pixels' changes, in units of what their errors expect
   * @param changedPixels share of the pixels that may change by more than five of their errors
   */
  public record MasterLimits(
      double biasLevel, double flatLevel, double scatter, double changedPixels)
      implements Serializable {}

  /**
   * How work is cut.
   *
   * @param images most images of a batch
   * @param mastersMegabytes memory of an executor for masters, units of 10^6 bytes; 0 for a fifth
   *     of its heap
   * @param starsOf folder of an earlier campaign whose numbers of stars are expected again; null
   *     for none
   * @param secondsAnImage how long an image may take; 0 for any time
   */
  public record BatchSettings(int images, int mastersMegabytes, String starsOf, int secondsAnImage)
      implements Serializable {

    /** The memory for masters in bytes, where the heap is so large. */
    public long mastersBytes(long heap) {
      return mastersMegabytes == 0 ? heap / 5 : 1_000_000L * mastersMegabytes;
    }
  }

  /**
   * How tables are written.
   *
   * @param compression of Parquet: zstd, snappy, gzip or none
   */
  public record OutputSettings(String compression) {}

  /**
   * What a run is expected to cost.
   *
   * @param java on the Java device
   * @param openclCpu on a processor through OpenCL
   * @param gpu on a GPU
   * @param starsMegapixel stars that are found on a million pixels, where no image tells yet
   * @param bytesStar bytes that a star takes in the catalog
   */
  public record CostSettings(
      DeviceCost java,
      DeviceCost openclCpu,
      DeviceCost gpu,
      double starsMegapixel,
      double bytesStar) {}

  /**
   * Core-seconds on one device, a GPU counting as a core.
   *
   * @param megapixel of a million pixels, reading them included; NaN where nobody has measured it
   * @param thousandStars of a thousand stars; NaN where nobody has measured it
   */
  public record DeviceCost(double megapixel, double thousandStars) {

    /** Whether both are known. */
    public boolean isKnown() {
      return !Double.isNaN(megapixel + thousandStars);
    }

    /** Core-seconds of images with so many pixels and stars together. */
    public double seconds(double pixels, double stars) {
      return 1e-6 * pixels * megapixel + 1e-3 * stars * thousandStars;
    }
  }

  /** The settings of {@code conf/starmill.conf} alone. */
  public static CampaignConfig defaults() {
    return load(null, List.of());
  }

  /**
   * Reads the settings, without defaults of the instrument.
   *
   * @param file the campaign's HOCON file; null for none
   * @param assignments each "key=value", the last one wins
   * @throws ConfigurationException naming the key that is unknown or wrong, its place and remedy
   */
  public static CampaignConfig load(Path file, List<String> assignments) {
    return load(file, assignments, instrument -> ConfigFactory.empty());
  }

  /**
   * Reads the settings.
   *
   * @param file the campaign's HOCON file; null for none
   * @param assignments each "key=value", the last one wins
   * @param ofInstrument gives the defaults that an instrument brings, by its name; only sections
   *     masters, sky, cosmic-rays, trails, detect, psf, measure and apertures
   * @throws ConfigurationException naming the key that is unknown or wrong, its place and remedy
   */
  public static CampaignConfig load(
      Path file, List<String> assignments, Function<String, Config> ofInstrument) {
    Config defaults =
        ConfigFactory.parseResources(
            CampaignConfig.class.getClassLoader(),
            DEFAULTS,
            ConfigParseOptions.defaults().setAllowMissing(false));
    Set<String> known = TypedConfig.leaves(defaults).keySet();
    Predicate<String> none = key -> false;

    Config layers = ConfigFactory.empty();
    for (String assignment : assignments) {
      Config layer = withDeviceSpeltOut(parse(assignment));
      TypedConfig.refuseUnknownKeys(layer, known, none);
      layers = layer.withFallback(layers);
    }
    if (file != null) {
      Config layer = withDeviceSpeltOut(TypedConfig.parseFile(file, "campaign file"));
      TypedConfig.refuseUnknownKeys(layer, known, none);
      layers = layers.withFallback(layer);
    }
    Config named = TypedConfig.resolve(layers.withFallback(defaults), "the configuration");
    Config camera = ofInstrument.apply(new TypedConfig(named).text("instrument"));
    TypedConfig.refuseUnknownKeys(camera, ofAnInstrument(known), none);
    return of(
        TypedConfig.resolve(
            layers.withFallback(camera).withFallback(defaults), "the configuration"));
  }

  private static List<String> ofAnInstrument(Set<String> known) {
    return known.stream().filter(key -> OF_AN_INSTRUMENT.contains(section(key))).toList();
  }

  private static String section(String key) {
    return key.contains(".") ? key.substring(0, key.indexOf('.')) : key;
  }

  /** Parses one "key=value" of the command line; a value that is no HOCON is taken as text. */
  private static Config parse(String assignment) {
    int equals = assignment.indexOf('=');
    String key = equals < 0 ? "" : assignment.substring(0, equals).strip();
    String text = equals < 0 ? "" : assignment.substring(equals + 1).strip();
    if (key.isEmpty() || text.isEmpty()) {
      throw new ConfigurationException(
          "--set '%s': expected key=value, such as psf.model=gaussian".formatted(assignment));
    }
    try {
      return ConfigFactory.empty("--set").withValue(key, value(text));
    } catch (ConfigException.BadPath e) {
      throw new ConfigurationException(
          "--set '%s': '%s' is no key, expected one such as psf.model".formatted(assignment, key),
          e);
    }
  }

  private static ConfigValue value(String text) {
    ConfigParseOptions origin = ConfigParseOptions.defaults().setOriginDescription("--set");
    // In HOCON a value such as hdfs://host/x is an error or has its tail cut off as a comment.
    if (!text.contains("//") && !text.contains("#")) {
      try {
        return ConfigFactory.parseString("value = " + text, origin).getValue("value");
      } catch (ConfigException noHocon) {
        return ConfigValueFactory.fromAnyRef(text, "--set");
      }
    }
    return ConfigValueFactory.fromAnyRef(text, "--set");
  }

  private static Config withDeviceSpeltOut(Config layer) {
    ConfigValue device = layer.root().get("device");
    return device != null && device.valueType() == ConfigValueType.STRING
        ? layer.withoutPath("device").withValue("device.name", device)
        : layer;
  }

  private static CampaignConfig of(Config resolved) {
    TypedConfig config = new TypedConfig(resolved);
    double unbounded = Double.POSITIVE_INFINITY;
    int most = Integer.MAX_VALUE;
    int filter = config.integer("sky.filter", 1, 99);
    if (filter % 2 == 0) {
      throw TypedConfig.wrong("sky.filter", config.value("sky.filter"), "an odd number");
    }
    int fewestStars = config.integer("psf.min-stars", 1, most);
    return new CampaignConfig(
        config.text("instrument"),
        new DeviceChoice(
            config.oneOf("device.name", "auto", "gpu", "opencl-cpu", "java"),
            config.oneOf("device.fallback", "none", "java").equals("java"),
            config.integer("device.threads", 0, 4096),
            config.integerOr("device.max-memory", 1, most, "auto", 0),
            config.oneOf("device.read-ahead", "auto", "true", "false")),
        new MasterSettings(
            config.integer("masters.min-bias-frames", 2, MOST_FRAMES),
            config.integer("masters.min-flat-frames", 2, MOST_FRAMES),
            config.integer("masters.max-frames", 2, MOST_FRAMES),
            config.number("masters.clip-sigma", 1, unbounded),
            config.integerOr("masters.farthest-night", 0, most, "none", -1),
            config.oneOf("masters.flat", "required", "optional").equals("required")),
        new MasterLimits(
            config.numberOr(WARNINGS + "bias-level", 0, unbounded, "none", unbounded),
            config.numberOr(WARNINGS + "flat-level", 0, unbounded, "none", unbounded),
            config.numberOr(WARNINGS + "scatter", 1, unbounded, "none", unbounded),
            config.numberOr(WARNINGS + "changed-pixels", 0, 1, "none", unbounded)),
        new ReductionSettings(
            config.integer("sky.box", 8, most),
            filter,
            config.numberOr("sky.max-level", 0, unbounded, "none", unbounded),
            config.number("detect.threshold", 1, unbounded),
            PsfModel.valueOf(
                config.oneOf("psf.model", "moffat", "gaussian").toUpperCase(Locale.ROOT)),
            config.numberOr("psf.beta", 1.1, 100, "fit", Double.NaN),
            config.integer("psf.order", 0, 6),
            config.integerOr("psf.residual-order", 0, 2, "none", -1),
            fewestStars,
            config.integer("psf.max-stars", fewestStars, most),
            config.number("measure.stamp-radius", 1, 50),
            config.flag("measure.fit-sky"),
            config.integer("measure.passes", 1, 20),
            config.integer("measure.max-group", 0, ReductionSettings.MOST_NEIGHBOURS),
            config.integer("measure.edge", 0, 1000),
            new CosmicRaySettings(
                config.flag("cosmic-rays.find"),
                config.number("cosmic-rays.threshold", 1, unbounded),
                config.number("cosmic-rays.contrast", 1, unbounded)),
            config.flag("trails.find"),
            apertures(config)),
        new BatchSettings(
            config.integer("batch.images", 1, most),
            config.integerOr("batch.masters-cache", 1, most, "auto", 0),
            config.text("batch.stars-of").equals("none") ? null : config.text("batch.stars-of"),
            config.integerOr("batch.time-limit", 1, 1_000_000, "none", 0)),
        new OutputSettings(config.oneOf("output.compression", "zstd", "snappy", "gzip", "none")),
        new CostSettings(
            deviceCost(config, "java"),
            deviceCost(config, "opencl-cpu"),
            deviceCost(config, "gpu"),
            config.number("cost.stars-megapixel", 0, unbounded),
            config.number("cost.bytes-star", 0, unbounded)));
  }

  private static DeviceCost deviceCost(TypedConfig config, String device) {
    double unbounded = Double.POSITIVE_INFINITY;
    return new DeviceCost(
        config.numberOr("cost." + device + ".megapixel", 0, unbounded, "none", Double.NaN),
        config.numberOr("cost." + device + ".thousand-stars", 0, unbounded, "none", Double.NaN));
  }

  private static ApertureSettings apertures(TypedConfig config) {
    List<Double> radii =
        config.growing(
            "apertures.radii",
            ApertureSettings.LEAST_RADIUS,
            ApertureSettings.LARGEST_RADIUS,
            ApertureSettings.MOST);
    double largest = radii.isEmpty() ? 0 : radii.get(radii.size() - 1);
    double ring = ApertureSettings.LEAST_RING;
    double outermost = ApertureSettings.LARGEST_RING;
    double inner = config.number("apertures.sky-inner", largest, outermost - ring);
    double outer = config.number("apertures.sky-outer", inner + ring, outermost);
    return new ApertureSettings(radii, inner, outer);
  }

  /** Every key with its value as text, in the form that {@code --set} takes. */
  public SortedMap<String, String> values() {
    SortedMap<String, String> values = new TreeMap<>();
    values.put("instrument", instrument);
    values.put("device.name", device.name());
    values.put("device.fallback", device.fallsBackToJava() ? "java" : "none");
    values.put("device.threads", "" + device.threads());
    values.put(
        "device.max-memory", device.mostMegabytes() == 0 ? "auto" : "" + device.mostMegabytes());
    values.put("device.read-ahead", device.readAhead());
    values.put("masters.min-bias-frames", "" + masters.minBiasFrames());
    values.put("masters.min-flat-frames", "" + masters.minFlatFrames());
    values.put("masters.max-frames", "" + masters.maxFrames());
    values.put("masters.clip-sigma", "" + masters.clipSigma());
    values.put(
        "masters.farthest-night",
        masters.hasFarthestNight() ? "" + masters.farthestNight() : "none");
    values.put("masters.flat", masters.flatRequired() ? "required" : "optional");
    values.put(WARNINGS + "bias-level", orNone(masterLimits.biasLevel()));
    values.put(WARNINGS + "flat-level", orNone(masterLimits.flatLevel()));
    values.put(WARNINGS + "scatter", orNone(masterLimits.scatter()));
    values.put(WARNINGS + "changed-pixels", orNone(masterLimits.changedPixels()));
    values.put("sky.box", "" + reduction.skyBox());
    values.put("sky.filter", "" + reduction.skyFilter());
    values.put("sky.max-level", orNone(reduction.skyMaxLevel()));
    values.put("detect.threshold", "" + reduction.threshold());
    values.put("psf.model", reduction.psfModel().name().toLowerCase(Locale.ROOT));
    values.put("psf.beta", Double.isNaN(reduction.psfBeta()) ? "fit" : "" + reduction.psfBeta());
    values.put("psf.order", "" + reduction.psfOrder());
    values.put(
        "psf.residual-order",
        reduction.psfResidualOrder() < 0 ? "none" : "" + reduction.psfResidualOrder());
    values.put("psf.min-stars", "" + reduction.psfMinStars());
    values.put("psf.max-stars", "" + reduction.psfMaxStars());
    values.put("measure.stamp-radius", "" + reduction.stampRadius());
    values.put("measure.fit-sky", "" + reduction.fitSky());
    values.put("measure.passes", "" + reduction.passes());
    values.put("measure.max-group", "" + reduction.maxGroup());
    values.put("measure.edge", "" + reduction.edge());
    values.put("cosmic-rays.find", "" + reduction.cosmicRays().find());
    values.put("cosmic-rays.threshold", "" + reduction.cosmicRays().threshold());
    values.put("cosmic-rays.contrast", "" + reduction.cosmicRays().contrast());
    values.put("trails.find", "" + reduction.trails());
    values.put("apertures.radii", "" + reduction.apertures().radii());
    values.put("apertures.sky-inner", "" + reduction.apertures().skyInner());
    values.put("apertures.sky-outer", "" + reduction.apertures().skyOuter());
    values.put("batch.images", "" + batch.images());
    values.put(
        "batch.masters-cache",
        batch.mastersMegabytes() == 0 ? "auto" : "" + batch.mastersMegabytes());
    values.put("batch.stars-of", batch.starsOf() == null ? "none" : batch.starsOf());
    values.put(
        "batch.time-limit", batch.secondsAnImage() == 0 ? "none" : "" + batch.secondsAnImage());
    values.put("output.compression", output.compression());
    put(values, "java", cost.java());
    put(values, "opencl-cpu", cost.openclCpu());
    put(values, "gpu", cost.gpu());
    values.put("cost.stars-megapixel", "" + cost.starsMegapixel());
    values.put("cost.bytes-star", "" + cost.bytesStar());
    return values;
  }

  private static String orNone(double limit) {
    return Double.isInfinite(limit) ? "none" : "" + limit;
  }

  private static void put(SortedMap<String, String> values, String device, DeviceCost cost) {
    String key = "cost." + device;
    values.put(key + ".megapixel", Double.isNaN(cost.megapixel()) ? "none" : "" + cost.megapixel());
    values.put(
        key + ".thousand-stars",
        Double.isNaN(cost.thousandStars()) ? "none" : "" + cost.thousandStars());
  }

  /**
   * Names everything that changes results: equal hashes, equal catalogs from equal frames.
   *
   * <p>The first 16 hexadecimal digits of a SHA-256 over the keys and values of all sections but
   * device, batch, output and cost, and without those of {@code masters} that begin with warn; the
   * instrument counts by what its file says, not by its name.
   *
   * @param instrumentDigest what {@code Instrument.digest()} gives
   */
  public String hash(String instrumentDigest) {
    StringBuilder text = new StringBuilder();
    values()
        .forEach(
            (key, value) -> {
              if (changesResults(key)) {
                text.append(key)
                    .append('=')
                    .append(key.equals("instrument") ? instrumentDigest : value)
                    .append('\n');
              }
            });
    return digest(text.toString());
  }

  /** Whether a master or a catalog can depend on the value of a key. */
  public static boolean changesResults(String key) {
    return !WITHOUT_EFFECT_ON_RESULTS.contains(section(key)) && !key.startsWith(WARNINGS);
  }

  /** The hash with the instrument's name in place of its file's digest. */
  public String hash() {
    return hash(instrument);
  }

  /** The first 16 hexadecimal digits of the SHA-256 of a text in UTF-8. */
  public static String digest(String text) {
    try {
      byte[] bytes =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(bytes, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private Object writeReplace() {
    List<String> assignments = new ArrayList<>();
    for (Map.Entry<String, String> value : values().entrySet()) {
      assignments.add(value.getKey() + "=" + value.getValue());
    }
    return new Assignments(assignments);
  }

  /** The serialized form. */
  private record Assignments(List<String> values) implements Serializable {
    /** What was made last in this JVM: its tasks, one after the other, are sent the same. */
    private static volatile Map.Entry<Assignments, CampaignConfig> made;

    private Object readResolve() {
      Map.Entry<Assignments, CampaignConfig> last = made;
      if (last == null || !last.getKey().equals(this)) {
        last = Map.entry(this, load(null, values));
        made = last;
      }
      return last.getValue();
    }
  }
}
