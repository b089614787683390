package org.starmill.fits;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * The keywords of one HDU, with those of the primary HDU behind them.
 *
 * <p>A keyword is looked up in the HDU itself first and in the primary header next, as the INHERIT
 * convention has it; keywords that describe the pixels' layout (NAXIS, BITPIX, ...) are never
 * inherited. Values are String, Double, Long or Boolean. Immutable, small, serializable.
 */
public final class FitsHeader implements java.io.Serializable {
  private static final long serialVersionUID = 1L;

  private final LinkedHashMap<String, Object> values;

  /**
   * Makes a header of the given keywords.
   *
   * @param values keyword (upper case, long ones without HIERARCH and with dots as blanks) to value
   */
  public FitsHeader(Map<String, ?> values) {
    this.values = new LinkedHashMap<>(values);
  }

  /** All keywords, in the order of the file. */
  public Set<String> keys() {
    return java.util.Collections.unmodifiableSet(values.keySet());
  }

  /** Whether the keyword is there with a value. */
  public boolean has(String key) {
    return values.get(key.toUpperCase(Locale.ROOT)) != null;
  }

  /** The value as it is: String, Double, Long or Boolean; null if absent. */
  public Object value(String key) {
    return values.get(key.toUpperCase(Locale.ROOT));
  }

  /** The value as text without trailing blanks, numbers in their shortest form; empty if absent. */
  public Optional<String> text(String key) {
    Object value = values.get(key.toUpperCase(Locale.ROOT));
    return value == null ? Optional.empty() : Optional.of(value.toString().strip());
  }

  /** The value as a number; text that reads as a number counts; empty if absent or no number. */
  public OptionalDouble number(String key) {
    Object value = values.get(key.toUpperCase(Locale.ROOT));
    if (value instanceof Number number) {
      return OptionalDouble.of(number.doubleValue());
    }
    if (value instanceof String text) {
      try {
        return OptionalDouble.of(Double.parseDouble(text.strip()));
      } catch (NumberFormatException notANumber) {
        return OptionalDouble.empty();
      }
    }
    return OptionalDouble.empty();
  }
}
