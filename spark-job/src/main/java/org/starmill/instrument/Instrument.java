package org.starmill.instrument;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.starmill.config.CampaignConfig;
import org.starmill.config.ConfigurationException;
import org.starmill.config.NearestWord;
import org.starmill.config.TypedConfig;
import org.starmill.fits.FitsHeader;
import org.starmill.image.ImageRejected;
import org.starmill.image.Section;

/**
 * A camera, as a file in {@code conf/instruments} tells it.
 *
 * <p>Says for every fact about a frame which keywords are tried in which order, what stands where
 * the header is silent ({@code default}) and what stands above a header that is wrong ({@code
 * value}). {@code conf/README.md} lists the keys. Immutable, serializable, safe for many threads.
 */
public final class Instrument implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final String FOLDER = "conf/instruments/";
  private static final String SUFFIX = ".conf";

  /** The cameras that are packed into the jar. */
  private static final List<String> PACKAGED = List.of("generic", "nickel");

  private static final List<String> FACTS =
      List.of(
          "sections.data",
          "sections.overscan",
          "gain",
          "read-noise",
          "saturation",
          "exposure",
          "time",
          "filter",
          "field",
          "ccd",
          "quadrant",
          "airmass");
  private static final List<String> OTHER_KEYS =
      List.of(
          "description",
          "hdus",
          "skip",
          "noon-utc-hours",
          "time.clock",
          "sections.bad",
          "type.value",
          "type.keywords",
          "type.rules",
          "type.words.bias",
          "type.words.flat",
          "type.words.dark",
          "type.words.science");

  private static final String FROM_BIAS = "from-bias";
  private static final String FROM_FORMAT = "from-format";
  private static final String FROM_HDU = "from-hdu";

  private record Rule(HeaderCondition condition, ImageType type) {}

  private record BadSection(String text, String ccd, String quadrant) {}

  private final String name;
  private final Config config;

  private final Set<Integer> hdus;
  private final List<HeaderCondition> skipped = new ArrayList<>();
  private final ImageType forcedType;
  private final List<Rule> rules = new ArrayList<>();
  private final List<String> typeKeywords;
  private final Map<ImageType, Set<String>> typeWords = new EnumMap<>(ImageType.class);
  private final Keywords data;
  private final Keywords overscan;
  private final List<BadSection> badSections = new ArrayList<>();
  private final Keywords gain;
  private final Keywords readNoise;
  private final Keywords saturation;
  private final Keywords exposure;
  private final Keywords time;
  private final List<String> clocks;
  private final double noonUtcHours;
  private final Keywords filter;
  private final Keywords field;
  private final Keywords ccd;
  private final Keywords quadrant;
  private final Keywords airmass;

  /**
   * Reads an instrument file.
   *
   * @param nameOrPath a path to a file, or the name of one in the folder conf/instruments of the
   *     installation (system property {@code starmill.home}, else the environment's STARMILL_HOME)
   *     or of the jar
   * @throws ConfigurationException where there is none of that name, naming those there are, or
   *     where a key in it is unknown or wrong
   */
  public static Instrument load(String nameOrPath) {
    if (nameOrPath.contains("/") || nameOrPath.endsWith(SUFFIX)) {
      return of(
          nameOf(Path.of(nameOrPath)),
          TypedConfig.parseFile(Path.of(nameOrPath), "instrument file"));
    }
    Optional<Path> installed =
        home().map(folder -> folder.resolve(nameOrPath + SUFFIX)).filter(Files::isRegularFile);
    if (installed.isPresent()) {
      return of(nameOrPath, TypedConfig.parseFile(installed.get(), "instrument file"));
    }
    if (PACKAGED.contains(nameOrPath)) {
      return of(
          nameOrPath,
          ConfigFactory.parseResources(
              Instrument.class.getClassLoader(),
              FOLDER + nameOrPath + SUFFIX,
              ConfigParseOptions.defaults().setAllowMissing(false)));
    }
    Set<String> names = names();
    throw new ConfigurationException(
        "unknown instrument '%s'; %sknown are %s, or give the path of an instrument file"
            .formatted(
                nameOrPath,
                NearestWord.of(nameOrPath, names).map("did you mean '%s'? "::formatted).orElse(""),
                String.join(", ", names)));
  }

  /** The names that {@link #load} knows. */
  public static Set<String> names() {
    Set<String> names = new TreeSet<>(PACKAGED);
    Optional<Path> folder = home().filter(Files::isDirectory);
    if (folder.isPresent()) {
      try (Stream<Path> files = Files.list(folder.get())) {
        files
            .filter(file -> file.toString().endsWith(SUFFIX))
            .forEach(file -> names.add(nameOf(file)));
      } catch (IOException e) {
        throw new UncheckedIOException(
            "the instruments in %s cannot be listed".formatted(folder.get()), e);
      }
    }
    return names;
  }

  private static Optional<Path> home() {
    return Optional.ofNullable(System.getProperty("starmill.home", System.getenv("STARMILL_HOME")))
        .map(home -> Path.of(home).resolve(FOLDER));
  }

  private static String nameOf(Path file) {
    String fileName = file.getFileName().toString();
    return fileName.endsWith(SUFFIX)
        ? fileName.substring(0, fileName.length() - SUFFIX.length())
        : fileName;
  }

  private static Instrument of(String name, Config parsed) {
    try {
      return new Instrument(name, TypedConfig.resolve(parsed, "instrument file " + name));
    } catch (ConfigException e) {
      throw new ConfigurationException(
          "instrument file %s: %s".formatted(name, e.getMessage().strip()), e);
    }
  }

  private Instrument(String name, Config resolved) {
    this.name = name;
    this.config = resolved;
    TypedConfig typed = new TypedConfig(resolved);
    List<String> known = new ArrayList<>(OTHER_KEYS);
    FACTS.forEach(fact -> known.addAll(Keywords.keysOf(fact)));
    TypedConfig.refuseUnknownKeys(resolved, known, key -> key.startsWith("campaign."));

    hdus = hdus(typed);
    if (typed.has("skip")) {
      typed.items("skip").forEach(item -> skipped.add(HeaderCondition.of("skip", item)));
    }
    forcedType = typed.has("type.value") ? type(typed.oneOf("type.value", typeNames())) : null;
    typeKeywords = typed.has("type.keywords") ? typed.texts("type.keywords") : List.of();
    for (ImageType type : ImageType.values()) {
      String key = "type.words." + type.word();
      Set<String> words = new TreeSet<>();
      if (typed.has(key)) {
        typed.texts(key).forEach(word -> words.add(plain(word)));
      }
      typeWords.put(type, words);
    }
    if (typed.has("type.rules")) {
      typed.items("type.rules").forEach(item -> rules.add(rule(item)));
    }
    data = Keywords.of(typed, "sections.data", SECTION, Instrument::wellFormedSection);
    overscan = Keywords.of(typed, "sections.overscan", SECTION, Instrument::wellFormedSection);
    if (typed.has("sections.bad")) {
      typed.items("sections.bad").forEach(item -> badSections.add(badSection(item)));
    }
    gain = Keywords.of(typed, "gain", ABOVE_ZERO, Instrument::aboveZero);
    readNoise =
        Keywords.of(
            typed, "read-noise", "'from-bias' or " + ABOVE_ZERO, text -> orWord(text, FROM_BIAS));
    saturation =
        Keywords.of(
            typed,
            "saturation",
            "'from-format' or " + ABOVE_ZERO,
            text -> orWord(text, FROM_FORMAT));
    exposure = Keywords.of(typed, "exposure", NOT_NEGATIVE, Instrument::notNegative);
    time = Keywords.of(typed, "time", TIME, text -> boxed(HeaderTime.instant(text)));
    clocks = typed.has("time.clock") ? typed.texts("time.clock") : List.of();
    noonUtcHours = typed.has("noon-utc-hours") ? typed.number("noon-utc-hours", -24, 48) : 12;
    filter = Keywords.of(typed, "filter");
    field = Keywords.of(typed, "field");
    ccd = Keywords.of(typed, "ccd");
    quadrant = Keywords.of(typed, "quadrant");
    airmass = Keywords.of(typed, "airmass", AIRMASS, Instrument::airmass);
  }

  private static Set<Integer> hdus(TypedConfig typed) {
    if (!typed.has("hdus") || !(typed.value("hdus") instanceof ConfigList)) {
      if (typed.has("hdus")) {
        typed.oneOf("hdus", "all");
      }
      return null;
    }
    Set<Integer> hdus = new TreeSet<>();
    for (String text : typed.texts("hdus")) {
      if (!text.matches("\\d{1,6}")) {
        throw TypedConfig.wrong(
            "hdus",
            typed.value("hdus"),
            "all or a list of HDU numbers from 0, such as [1, 2, 3, 4]");
      }
      hdus.add(Integer.parseInt(text));
    }
    return hdus;
  }

  private static String[] typeNames() {
    return Stream.of(ImageType.values()).map(ImageType::word).toArray(String[]::new);
  }

  private static ImageType type(String word) {
    return ImageType.valueOf(word.toUpperCase(Locale.ROOT));
  }

  private static Rule rule(ConfigValue value) {
    if (!(value instanceof ConfigObject object)) {
      throw TypedConfig.wrong("type.rules", value, "{ type = bias, when { OBJECT = \"bias.*\" } }");
    }
    TypedConfig.refuseUnknownKeys(
        object.toConfig(), List.of("type", "when"), key -> key.startsWith("when."));
    TypedConfig rule = new TypedConfig(object.toConfig());
    return new Rule(
        HeaderCondition.of("type.rules.when", rule.value("when")),
        type(rule.oneOf("type", typeNames())));
  }

  private static BadSection badSection(ConfigValue value) {
    BadSection bad;
    if (value instanceof ConfigObject object) {
      TypedConfig.refuseUnknownKeys(
          object.toConfig(), List.of("section", "ccd", "quadrant"), key -> false);
      TypedConfig typed = new TypedConfig(object.toConfig());
      bad =
          new BadSection(
              typed.text("section"),
              typed.has("ccd") ? typed.text("ccd") : null,
              typed.has("quadrant") ? typed.text("quadrant") : null);
    } else {
      bad = new BadSection(String.valueOf(value.unwrapped()), null, null);
    }
    if (!SectionText.isWellFormed(bad.text)) {
      throw TypedConfig.wrong("sections.bad", value, SECTION);
    }
    return bad;
  }

  /** The same camera, every frame of which is of the given type, whatever its header says. */
  public Instrument withAll(ImageType type) {
    return new Instrument(
        name, config.withValue("type.value", ConfigValueFactory.fromAnyRef(type.word())));
  }

  /** The name of the file, without its folder and suffix. */
  public String name() {
    return name;
  }

  /** Names what the file says: equal digests, equal facts from equal headers. */
  public String digest() {
    return CampaignConfig.digest(rendered(config.withoutPath("description")));
  }

  private static String rendered(Config config) {
    return config.root().render(ConfigRenderOptions.concise());
  }

  /** Defaults of campaign settings that suit this camera; goes into {@link CampaignConfig#load}. */
  public Config campaignDefaults() {
    return config.hasPath("campaign") ? config.getConfig("campaign") : ConfigFactory.empty();
  }

  /**
   * Whether an HDU with an image in it is a frame of this camera, and not a mask, say.
   *
   * @param hdu its number in the file, 0 for the primary
   */
  public boolean reads(String path, int hdu, FitsHeader header) {
    return (hdus == null || hdus.contains(hdu))
        && skipped.stream().noneMatch(condition -> condition.holds(path, header));
  }

  /**
   * Says of a frame what its header and this file tell.
   *
   * @param path of the file, for rules that look at its name and for messages
   * @param hdu number of the HDU, 0 for the primary
   * @param width columns of the image
   * @param height rows of the image
   * @param header of the HDU
   * @throws ImageRejected where it cannot be told what kind of frame it is ("unknown image type"),
   *     or where a value is missing that photometry cannot do without ("missing keyword")
   */
  public FrameFacts describe(String path, int hdu, int width, int height, FitsHeader header) {
    List<String> notes = new ArrayList<>();
    String place = "%s, HDU %d".formatted(path, hdu);
    ImageType type = imageType(path, place, header);

    Section dataSection = section(data, header, width, height, notes);
    Section overscanSection = section(overscan, header, width, height, notes);
    if (dataSection == null) {
      dataSection = beside(overscanSection, width, height);
    }
    if (overscanSection != null && !isBeside(overscanSection, dataSection)) {
      notes.add(
          "the overscan section %s is not used: expected one beside the data section %s, covering its rows"
              .formatted(fits(overscanSection), fits(dataSection)));
      overscanSection = null;
    }
    String ccdName = numbered(ccd.find(header, "a name", Instrument::name, notes).orElse("1"), hdu);
    String quadrantName =
        numbered(quadrant.find(header, "a name", Instrument::name, notes).orElse("1"), hdu);
    double seconds =
        exposure.find(header, NOT_NEGATIVE, Instrument::notNegative, notes).orElse(Double.NaN);
    if (type == ImageType.SCIENCE && !(seconds > 0)) {
      throw missing(place, "exposure time above 0", exposure, "seconds", header);
    }
    double mjd = time(header, notes);
    return new FrameFacts(
        type,
        dataSection,
        overscanSection,
        bad(ccdName, quadrantName, dataSection, width, height),
        gain.find(header, ABOVE_ZERO, Instrument::aboveZero, notes)
            .orElseThrow(() -> missing(place, "gain", gain, "electrons per ADU", header)),
        readNoise
            .find(header, ABOVE_ZERO, text -> orWord(text, FROM_BIAS), notes)
            .orElseThrow(
                () -> missing(place, "read noise", readNoise, "electrons, or from-bias", header)),
        saturation(place, header, notes),
        seconds,
        mjd,
        Double.isNaN(mjd) ? "unknown" : HeaderTime.night(mjd, noonUtcHours),
        filter.find(header, "a name", Instrument::name, notes).orElse("none"),
        field.find(header, "a name", Instrument::name, notes).orElse(""),
        ccdName,
        quadrantName,
        airmass.find(header, AIRMASS, Instrument::airmass, notes).orElse(Double.NaN),
        overscanSection == null ? overscan.found(header) : null,
        notes);
  }

  private ImageType imageType(String path, String place, FitsHeader header) {
    if (forcedType != null) {
      return forcedType;
    }
    for (Rule rule : rules) {
      if (rule.condition.holds(path, header)) {
        return rule.type;
      }
    }
    List<String> found = new ArrayList<>();
    for (String keyword : typeKeywords) {
      String text = header.text(keyword).orElse("");
      for (Map.Entry<ImageType, Set<String>> words : typeWords.entrySet()) {
        if (words.getValue().contains(plain(text))) {
          return words.getKey();
        }
      }
      if (!text.isEmpty()) {
        found.add("%s is '%s'".formatted(keyword, text));
      }
    }
    throw new ImageRejected(
        "unknown image type",
        "%s: %s; tell what it is with %s in %s"
            .formatted(
                place,
                found.isEmpty()
                    ? "none of %s is there"
                        .formatted(
                            typeKeywords.isEmpty()
                                ? "the rules holds and no keyword"
                                : String.join(", ", typeKeywords))
                    : String.join(", ", found),
                found.isEmpty() ? "type.rules or type.value" : "type.words or type.rules",
                file()));
  }

  /** Lower case, with single blanks for every other sign, and without a final "frame". */
  private static String plain(String word) {
    return word.toLowerCase(Locale.ROOT)
        .replaceAll("[^a-z0-9]+", " ")
        .strip()
        .replaceFirst(" frames?$", "");
  }

  private Section section(
      Keywords keywords, FitsHeader header, int width, int height, List<String> notes) {
    return keywords
        .find(
            header,
            "a section [x1:x2,y1:y2] inside the image of %d x %d pixels".formatted(width, height),
            text -> SectionText.parse(text, width, height),
            notes)
        .orElse(null);
  }

  /** The larger part of the image beside a full-height overscan, or all of it. */
  private static Section beside(Section overscan, int width, int height) {
    if (overscan == null || overscan.height() != height || overscan.width() >= width) {
      return new Section(0, 0, width, height);
    }
    int after = overscan.x() + overscan.width();
    return overscan.x() >= width - after
        ? new Section(0, 0, overscan.x(), height)
        : new Section(after, 0, width - after, height);
  }

  private static boolean isBeside(Section overscan, Section data) {
    boolean apart =
        overscan.x() >= data.x() + data.width() || overscan.x() + overscan.width() <= data.x();
    return apart
        && overscan.y() <= data.y()
        && overscan.y() + overscan.height() >= data.y() + data.height();
  }

  private static String fits(Section section) {
    return "[%d:%d,%d:%d]"
        .formatted(
            section.x() + 1,
            section.x() + section.width(),
            section.y() + 1,
            section.y() + section.height());
  }

  private List<Section> bad(
      String ccdName, String quadrantName, Section data, int width, int height) {
    List<Section> inData = new ArrayList<>();
    for (BadSection bad : badSections) {
      if ((bad.ccd == null || bad.ccd.equals(ccdName))
          && (bad.quadrant == null || bad.quadrant.equals(quadrantName))) {
        SectionText.parse(bad.text, width, height)
            .flatMap(section -> cut(section, data))
            .ifPresent(inData::add);
      }
    }
    return inData;
  }

  /** The part of a section that lies in the data section, in the latter's coordinates. */
  private static Optional<Section> cut(Section section, Section data) {
    int left = Math.max(section.x(), data.x());
    int right = Math.min(section.x() + section.width(), data.x() + data.width());
    int bottom = Math.max(section.y(), data.y());
    int top = Math.min(section.y() + section.height(), data.y() + data.height());
    return left < right && bottom < top
        ? Optional.of(new Section(left - data.x(), bottom - data.y(), right - left, top - bottom))
        : Optional.empty();
  }

  private double saturation(String place, FitsHeader header, List<String> notes) {
    double level =
        saturation
            .find(header, ABOVE_ZERO, text -> orWord(text, FROM_FORMAT), notes)
            .orElseThrow(
                () ->
                    missing(
                        place, "saturation level", saturation, "raw ADU, or from-format", header));
    return Double.isNaN(level) ? largestValue(header) : level;
  }

  /** The largest value that the file's number format can hold; infinite for floating point. */
  private static double largestValue(FitsHeader header) {
    // A tile-compressed image keeps the format of its pixels in ZBITPIX.
    double bits = header.number("ZBITPIX").orElse(header.number("BITPIX").orElse(-32));
    if (bits != 8 && bits != 16) {
      return Double.POSITIVE_INFINITY;
    }
    double stored = bits == 8 ? 255 : 32767;
    return header.number("BZERO").orElse(0) + header.number("BSCALE").orElse(1) * stored;
  }

  private double time(FitsHeader header, List<String> notes) {
    List<String> unread = new ArrayList<>();
    Optional<Double> instant =
        time.find(header, TIME, text -> boxed(HeaderTime.instant(text)), unread);
    if (instant.isPresent()) {
      header
          .text("TIMESYS")
          .filter(system -> !system.isEmpty() && !system.matches("(?i)UTC?"))
          .ifPresent(
              system -> notes.add("TIMESYS is '%s'; times are read as UTC".formatted(system)));
      return instant.get();
    }
    for (String keyword : time.keywords()) {
      String date = header.text(keyword).orElse("");
      for (String clock : clocks) {
        OptionalDouble both = HeaderTime.instant(date, header.text(clock).orElse(""));
        if (both.isPresent()) {
          return both.getAsDouble();
        }
      }
    }
    for (String keyword : time.keywords()) {
      OptionalDouble day = HeaderTime.day(header.text(keyword).orElse(""));
      if (day.isPresent()) {
        notes.add("%s gives a day without a time: taken as 0h UTC".formatted(keyword));
        return day.getAsDouble();
      }
    }
    notes.addAll(unread);
    notes.add("no time of exposure: none of %s can be read".formatted(time.tried()));
    return Double.NaN;
  }

  private ImageRejected missing(
      String place, String what, Keywords keywords, String unit, FitsHeader header) {
    boolean there = keywords.isIn(header);
    return new ImageRejected(
        "missing keyword",
        "%s: no %s in %s; set %s.%s (%s) in %s"
            .formatted(
                place,
                what,
                there ? "its header, " + keywords.found(header) : keywords.tried(),
                keywords.key(),
                there ? "value" : "default",
                unit,
                file()));
  }

  /** The instrument file, as a remedy names it. */
  private String file() {
    return PACKAGED.contains(name) ? FOLDER + name + SUFFIX : "the instrument file of " + name;
  }

  private static final String SECTION = "a section [x1:x2,y1:y2], counted from 1";
  private static final String ABOVE_ZERO = "a number above 0";
  private static final String NOT_NEGATIVE = "a number of seconds, at least 0";
  private static final String AIRMASS = "a number from 1 to 40";
  private static final String TIME = "a date with its time of day, a JD or an MJD";

  private static Optional<String> wellFormedSection(String text) {
    return Optional.of(text).filter(SectionText::isWellFormed);
  }

  private static Optional<Double> finite(String text) {
    try {
      return Optional.of(Double.parseDouble(text.strip())).filter(Double::isFinite);
    } catch (NumberFormatException notANumber) {
      return Optional.empty();
    }
  }

  private static Optional<Double> aboveZero(String text) {
    return finite(text).filter(number -> number > 0);
  }

  /** A number above 0; NaN for the word that stands for a value found later. */
  private static Optional<Double> orWord(String text, String word) {
    return text.equals(word) ? Optional.of(Double.NaN) : aboveZero(text);
  }

  private static Optional<Double> notNegative(String text) {
    return finite(text).filter(number -> number >= 0);
  }

  private static Optional<Double> airmass(String text) {
    return finite(text).filter(number -> number >= 1 && number <= 40);
  }

  private static Optional<Double> boxed(OptionalDouble number) {
    return number.isPresent() ? Optional.of(number.getAsDouble()) : Optional.empty();
  }

  /** A name; a whole number that the header writes as 14.0 is 14. */
  private static Optional<String> name(String text) {
    return Optional.of(text.replaceFirst("^(\\d+)\\.0*$", "$1"));
  }

  /**
   * Replaces from-hdu by the HDU's number.
   *
   * <p>The primary counts as 1, as the same image does that was compressed into the first
   * extension: masters and images need not be compressed alike.
   */
  private static String numbered(String text, int hdu) {
    return text.equals(FROM_HDU) ? "" + Math.max(1, hdu) : text;
  }

  @Override
  public String toString() {
    return name;
  }

  private Object writeReplace() {
    return new Text(name, rendered(config));
  }

  private void readObject(ObjectInputStream stream) throws InvalidObjectException {
    throw new InvalidObjectException("an instrument is serialized as its text");
  }

  /** The serialized form. */
  private record Text(String name, String hocon) implements Serializable {
    /** What was made last in this JVM: its tasks, one after the other, are sent the same. */
    private static volatile Map.Entry<Text, Instrument> made;

    private Object readResolve() {
      Map.Entry<Text, Instrument> last = made;
      if (last == null || !last.getKey().equals(this)) {
        last = Map.entry(this, of(name, ConfigFactory.parseString(hocon)));
        made = last;
      }
      return last.getValue();
    }
  }
}
