package org.starmill.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Reads typed values out of HOCON; a wrong one ends in an error with its key, place and remedy.
 *
 * <p>The place is what the HOCON library remembers of every value: a file and its line, or the
 * option of the command line.
 */
public final class TypedConfig {
  private final Config config;

  public TypedConfig(Config config) {
    this.config = config;
  }

  /**
   * Parses a file of HOCON, without resolving its substitutions.
   *
   * @param what what the file is to the user, such as "campaign file"
   * @throws ConfigurationException where it is missing or no HOCON
   */
  public static Config parseFile(Path file, String what) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new ConfigurationException(
          "%s '%s' cannot be read: expected a HOCON file there".formatted(what, file));
    }
    try {
      return ConfigFactory.parseFile(
          file.toFile(), ConfigParseOptions.defaults().setAllowMissing(false));
    } catch (ConfigException e) {
      throw notHocon(what + " '" + file + "'", e);
    }
  }

  /** The error for text that is no HOCON, with the parser's own words on one line. */
  static ConfigurationException notHocon(String place, ConfigException cause) {
    return new ConfigurationException(
        "%s is no valid HOCON: %s".formatted(place, oneLine(cause.getMessage())), cause);
  }

  /** Replaces the substitutions ({@code ${...}}, also by environment variables). */
  public static Config resolve(Config config, String what) {
    try {
      return config.resolve();
    } catch (ConfigException e) {
      throw new ConfigurationException(
          "%s: a substitution cannot be resolved: %s".formatted(what, oneLine(e.getMessage())), e);
    }
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** Every key with a value that is no object, and every empty object, by its dotted path. */
  public static Map<String, ConfigValue> leaves(Config config) {
    Map<String, ConfigValue> leaves = new TreeMap<>();
    collect(config.root(), "", leaves);
    return leaves;
  }

  private static void collect(ConfigObject object, String prefix, Map<String, ConfigValue> into) {
    object.forEach(
        (name, value) -> {
          String path = prefix + (name.contains(".") ? ConfigUtil.quoteString(name) : name);
          if (value instanceof ConfigObject inner && !inner.isEmpty()) {
            collect(inner, path + ".", into);
          } else {
            into.put(path, value);
          }
        });
  }

  /**
   * Refuses keys that mean nothing.
   *
   * @param config as it was read
   * @param known the keys that mean something
   * @param free keys about which somebody else decides
   * @throws ConfigurationException naming the first unknown key, its place and the nearest known
   */
  public static void refuseUnknownKeys(
      Config config, Collection<String> known, Predicate<String> free) {
    leaves(config)
        .forEach(
            (key, value) -> {
              if (!known.contains(key) && !free.test(key)) {
                throw unknown(key, value, known);
              }
            });
  }

  private static ConfigurationException unknown(
      String key, ConfigValue value, Collection<String> known) {
    List<String> inside = known.stream().filter(k -> k.startsWith(key + ".")).sorted().toList();
    if (!inside.isEmpty()) {
      return new ConfigurationException(
          "key '%s' in %s is a section and takes no value itself; its keys are %s"
              .formatted(key, place(value.origin()), String.join(", ", inside)));
    }
    String remedy =
        NearestWord.of(key, known)
            .or(() -> endingIn(key, known))
            .map("did you mean '%s'?"::formatted)
            .orElseGet(() -> "the known keys are " + String.join(", ", siblings(key, known)));
    return new ConfigurationException(
        "unknown key '%s' in %s; %s".formatted(key, place(value.origin()), remedy));
  }

  /** The keys that an incomplete one may stand for. */
  private static Optional<String> endingIn(String key, Collection<String> known) {
    return known.stream()
        .filter(k -> k.endsWith("." + key))
        .sorted()
        .reduce((one, other) -> one + "' or '" + other);
  }

  private static Collection<String> siblings(String key, Collection<String> known) {
    String section = key.contains(".") ? key.substring(0, key.indexOf('.') + 1) : "";
    List<String> near = known.stream().filter(k -> k.startsWith(section)).sorted().toList();
    return near.isEmpty() ? known.stream().sorted().toList() : near;
  }

  /** Where a value stands, as a user would look for it: "file:line" or the option's name. */
  public static String place(ConfigOrigin origin) {
    if (origin.filename() != null) {
      return Path.of(origin.filename()) + ":" + origin.lineNumber();
    }
    if (origin.resource() != null) {
      return origin.resource() + ":" + origin.lineNumber();
    }
    return origin.description().replaceFirst(": \\d+$", "");
  }

  /** Whether the key has a value. */
  public boolean has(String key) {
    return config.hasPath(key);
  }

  /** A text that is not empty. */
  public String text(String key) {
    ConfigValue value = value(key);
    String text = scalar(key, value, "a text");
    if (text.isBlank()) {
      throw wrong(key, value, "a text that is not empty");
    }
    return text;
  }

  /** One of the given words. */
  public String oneOf(String key, String... allowed) {
    ConfigValue value = value(key);
    String expected = "one of " + String.join(", ", allowed);
    String text = scalar(key, value, expected);
    if (!List.of(allowed).contains(text)) {
      String remedy =
          NearestWord.of(text, List.of(allowed)).map("; did you mean '%s'?"::formatted).orElse("");
      throw wrong(key, value, expected + remedy);
    }
    return text;
  }

  /** A whole number within bounds, both included. */
  public int integer(String key, int from, int to) {
    ConfigValue value = value(key);
    String expected =
        to == Integer.MAX_VALUE
            ? "a whole number of at least " + from
            : "a whole number from " + from + " to " + to;
    try {
      int number = Integer.parseInt(scalar(key, value, expected));
      if (number >= from && number <= to) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      throw wrong(key, value, expected);
    }
    throw wrong(key, value, expected);
  }

  /** A finite number within bounds, both included. */
  public double number(String key, double from, double to) {
    ConfigValue value = value(key);
    return number(key, value, from, to, bounds(from, to));
  }

  /** A finite number within bounds, or a word that stands for the given meaning. */
  public double numberOr(String key, double from, double to, String word, double meaning) {
    ConfigValue value = value(key);
    String expected = "'" + word + "' or " + bounds(from, to);
    if (scalar(key, value, expected).equals(word)) {
      return meaning;
    }
    return number(key, value, from, to, expected);
  }

  private static double number(
      String key, ConfigValue value, double from, double to, String expected) {
    try {
      double number = Double.parseDouble(scalar(key, value, expected));
      if (number >= from && number <= to && Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      throw wrong(key, value, expected);
    }
    throw wrong(key, value, expected);
  }

  private static String bounds(double from, double to) {
    return to == Double.POSITIVE_INFINITY
        ? "a number of at least " + from
        : "a number from " + from + " to " + to;
  }

  /** A whole number within bounds, or a word that stands for the given meaning. */
  public int integerOr(String key, int from, int to, String word, int meaning) {
    ConfigValue value = value(key);
    String expected = "'" + word + "' or a whole number from " + from + " to " + to;
    String text = scalar(key, value, expected);
    if (text.equals(word)) {
      return meaning;
    }
    try {
      int number = Integer.parseInt(text);
      if (number >= from && number <= to) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      throw wrong(key, value, expected);
    }
    throw wrong(key, value, expected);
  }

  /**
   * A list, perhaps empty, of numbers within bounds, each greater than the one before it; a single
   * number counts as a list of one.
   *
   * @param most length
   */
  public List<Double> growing(String key, double from, double to, int most) {
    ConfigValue value = value(key);
    String expected =
        "a list of at most " + most + " numbers from " + from + " to " + to + ", growing";
    List<Double> numbers = new ArrayList<>();
    for (ConfigValue item : items(value)) {
      double number;
      try {
        number = Double.parseDouble(scalar(key, item, expected));
      } catch (NumberFormatException notANumber) {
        throw wrong(key, value, expected);
      }
      boolean grows = numbers.isEmpty() || number > numbers.get(numbers.size() - 1);
      if (!(number >= from && number <= to && grows && numbers.size() < most)) {
        throw wrong(key, value, expected);
      }
      numbers.add(number);
    }
    return numbers;
  }

  /** true or false. */
  public boolean flag(String key) {
    return oneOf(key, "true", "false").equals("true");
  }

  /** A list of texts; a single text counts as a list of one. */
  public List<String> texts(String key) {
    ConfigValue value = value(key);
    List<String> texts = new ArrayList<>();
    for (ConfigValue item : items(value)) {
      texts.add(scalar(key, item, "a list of texts"));
    }
    return texts;
  }

  /** The items of a list; a single value counts as a list of one. */
  public List<ConfigValue> items(String key) {
    return items(value(key));
  }

  private static List<ConfigValue> items(ConfigValue value) {
    return value instanceof com.typesafe.config.ConfigList list ? list : List.of(value);
  }

  /** The value of a key, whatever its type. */
  public ConfigValue value(String key) {
    if (!config.hasPathOrNull(key)) {
      throw new ConfigurationException(
          "key '%s' is missing in %s".formatted(key, place(config.origin())));
    }
    ConfigValue value = config.root();
    for (String name : ConfigUtil.splitPath(key)) {
      value = ((ConfigObject) value).get(name);
    }
    if (value.valueType() == ConfigValueType.NULL) {
      throw wrong(key, value, "a value");
    }
    return value;
  }

  private static String scalar(String key, ConfigValue value, String expected) {
    return switch (value.valueType()) {
      case STRING, NUMBER, BOOLEAN -> value.unwrapped().toString().strip();
      default -> throw wrong(key, value, expected);
    };
  }

  /** The error for a value that is not what the key takes. */
  public static ConfigurationException wrong(String key, ConfigValue value, String expected) {
    Object found = value.unwrapped();
    return new ConfigurationException(
        "key '%s' in %s is %s: expected %s"
            .formatted(
                key,
                place(value.origin()),
                found instanceof String text ? "'" + text + "'" : String.valueOf(found),
                expected));
  }
}
