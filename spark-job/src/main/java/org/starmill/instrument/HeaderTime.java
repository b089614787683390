package org.starmill.instrument;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a time as headers give it, as a Modified Julian Date (UTC).
 *
 * <p>The form is known by its look: a number above 2,400,000 is a Julian Date and one between
 * 15,000 (the year 1899) and 100,000 (2132) a Modified one; text is a date, with or without a time
 * of day, in ISO form or in that of FITS before 1997, dd/mm/yy (FITS standard 4.0, section 9.1.1
 * and 4.4.2).
 */
final class HeaderTime {
  private static final double MJD_ZERO = 2_400_000.5;
  private static final Pattern CLOCK =
      Pattern.compile("(\\d{1,2}):(\\d{2})(?::(\\d{2}(?:\\.\\d*)?))?Z?");
  private static final Pattern ISO =
      Pattern.compile("(\\d{4})[-/](\\d{2})[-/](\\d{2})(?:[T ]\\s*(\\S+))?");
  private static final Pattern OLD = Pattern.compile("(\\d{2})/(\\d{2})/(\\d{2})");

  private HeaderTime() {}

  /** The instant that a text or number names; empty where it names none or only a day. */
  static OptionalDouble instant(String text) {
    OptionalDouble number = number(text);
    if (number.isPresent()) {
      return number;
    }
    Matcher iso = ISO.matcher(text.strip());
    return iso.matches() && iso.group(4) != null ? at(day(text), dayFraction(iso.group(4))) : NONE;
  }

  /** The instant that a date and a time of day name together. */
  static OptionalDouble instant(String date, String clock) {
    return at(day(date), dayFraction(clock));
  }

  /** Midnight of the day that a date names, whether or not a time of day follows it. */
  static OptionalDouble day(String text) {
    Matcher iso = ISO.matcher(text.strip());
    Matcher old = OLD.matcher(text.strip());
    try {
      if (iso.matches()) {
        return OptionalDouble.of(
            mjd(integer(iso.group(1)), integer(iso.group(2)), integer(iso.group(3))));
      }
      if (old.matches()) {
        return OptionalDouble.of(
            mjd(1900 + integer(old.group(3)), integer(old.group(2)), integer(old.group(1))));
      }
    } catch (DateTimeException noSuchDay) {
      return NONE;
    }
    return NONE;
  }

  private static final OptionalDouble NONE = OptionalDouble.empty();

  private static OptionalDouble number(String text) {
    try {
      double number = Double.parseDouble(text.strip());
      if (number > 2_400_000 && number < 2_500_000) {
        return OptionalDouble.of(number - MJD_ZERO);
      }
      return number > 15_000 && number < 100_000 ? OptionalDouble.of(number) : NONE;
    } catch (NumberFormatException notANumber) {
      return NONE;
    }
  }

  private static OptionalDouble at(OptionalDouble day, OptionalDouble fraction) {
    return day.isPresent() && fraction.isPresent()
        ? OptionalDouble.of(day.getAsDouble() + fraction.getAsDouble())
        : NONE;
  }

  private static OptionalDouble dayFraction(String clock) {
    Matcher matcher = CLOCK.matcher(clock.strip());
    if (!matcher.matches()) {
      return NONE;
    }
    int hours = integer(matcher.group(1));
    int minutes = integer(matcher.group(2));
    double seconds = matcher.group(3) == null ? 0 : Double.parseDouble(matcher.group(3));
    // Seconds reach to just below 61 where a leap second is inserted.
    return hours < 24 && minutes < 60 && seconds < 61
        ? OptionalDouble.of((hours * 3600 + minutes * 60 + seconds) / 86_400)
        : NONE;
  }

  private static int integer(String digits) {
    return Integer.parseInt(digits);
  }

  private static double mjd(int year, int month, int day) {
    return LocalDate.of(year, month, day).toEpochDay() + 40_587.0;
  }

  /** The date of the evening of a night. */
  static String night(double mjd, double noonHours) {
    return LocalDate.ofEpochDay((long) Math.floor(mjd - noonHours / 24) - 40_587).toString();
  }
}
