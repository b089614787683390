package org.starmill.instrument;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.starmill.config.TypedConfig;
import org.starmill.fits.FitsHeader;

/**
 * Where one fact about a frame is to be found: the keywords in the order they are tried.
 *
 * @param key the fact's key in the instrument file
 * @param keywords tried in this order; the first that makes sense counts
 * @param forced stands above every header; null for none
 * @param fallback stands where the headers are silent; null for none
 */
record Keywords(String key, List<String> keywords, String forced, String fallback) {

  static List<String> keysOf(String key) {
    return List.of(key + ".keywords", key + ".value", key + ".default");
  }

  static Keywords of(TypedConfig config, String key) {
    return new Keywords(
        key,
        config.has(key + ".keywords") ? config.texts(key + ".keywords") : List.of(),
        config.has(key + ".value") ? config.text(key + ".value") : null,
        config.has(key + ".default") ? config.text(key + ".default") : null);
  }

  /** The same, where forced and fallback values must be readable. */
  static <T> Keywords of(
      TypedConfig config, String key, String expected, Function<String, Optional<T>> reading) {
    Keywords keywords = of(config, key);
    check(config, key + ".value", keywords.forced, expected, reading);
    check(config, key + ".default", keywords.fallback, expected, reading);
    return keywords;
  }

  private static <T> void check(
      TypedConfig config,
      String key,
      String text,
      String expected,
      Function<String, Optional<T>> reading) {
    if (text != null && reading.apply(text).isEmpty()) {
      throw TypedConfig.wrong(key, config.value(key), expected);
    }
  }

  /**
   * Reads the fact: the forced value, else the first keyword that can be read, else the fallback.
   *
   * @param expected what a value should look like, for the notes
   * @param notes gets a line for every value that cannot be read
   */
  <T> Optional<T> find(
      FitsHeader header,
      String expected,
      Function<String, Optional<T>> reading,
      List<String> notes) {
    if (forced != null) {
      return reading.apply(forced);
    }
    for (String keyword : keywords) {
      Optional<String> text = header.text(keyword).filter(found -> !found.isEmpty());
      if (text.isPresent()) {
        Optional<T> value = text.flatMap(reading);
        if (value.isPresent()) {
          return value;
        }
        notes.add("%s '%s' is not used: expected %s".formatted(keyword, text.get(), expected));
      }
    }
    return fallback == null ? Optional.empty() : reading.apply(fallback);
  }

  /** Whether the header has one of the keywords, readable or not. */
  boolean isIn(FitsHeader header) {
    return keywords.stream()
        .anyMatch(key -> header.text(key).filter(t -> !t.isEmpty()).isPresent());
  }

  /** What the header has in the place of this fact, readable or not, as a sentence needs it. */
  String found(FitsHeader header) {
    if (forced != null) {
      return "%s.value is '%s'".formatted(key, forced);
    }
    for (String keyword : keywords) {
      Optional<String> text = header.text(keyword).filter(value -> !value.isEmpty());
      if (text.isPresent()) {
        return "%s is '%s'".formatted(keyword, text.get());
      }
    }
    return keywords.isEmpty()
        ? "no keyword gives one"
        : "there is no " + String.join(" or ", keywords);
  }

  /** The keywords as a sentence needs them. */
  String tried() {
    return keywords.isEmpty() ? "no keyword" : String.join(", ", keywords);
  }
}
