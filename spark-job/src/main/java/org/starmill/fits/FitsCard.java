package org.starmill.fits;

import java.util.Locale;

/**
 * One keyword and its value as the 80 characters of a card.
 *
 * <p>Reads fixed and free format, quoted strings, Fortran's exponent D, HIERARCH keywords; writes
 * fixed format, HIERARCH for keywords longer than eight characters, CONTINUE for long strings (FITS
 * Standard 4.0, Pence et al. 2010, A&amp;A 524, A42, section 4).
 *
 * @param key keyword in upper case, empty for a card without one; long ones without HIERARCH
 * @param value String, Double, Long or Boolean; null where the card has none
 * @param comment to be written behind the value where there is room; null for none, and of cards
 *     that were read
 */
record FitsCard(String key, Object value, String comment) {
  static final int LENGTH = 80;

  private static final int LONGEST_STRING = 68;
  private static final int LONGEST_PART = 60;

  /** A card without a comment, or with that of a {@link FitsValue}. */
  FitsCard(String key, Object value) {
    this(
        key,
        value instanceof FitsValue commented ? commented.value() : value,
        value instanceof FitsValue commented ? commented.comment() : null);
  }

  /** Reads a card; never fails: what is no number, logical or quoted string is taken as text. */
  static FitsCard parse(String card) {
    String key = card.substring(0, 8).strip().toUpperCase(Locale.ROOT);
    if (key.equals("HIERARCH")) {
      int equals = card.indexOf('=', 8);
      if (equals < 0) {
        return new FitsCard("", null);
      }
      String words = card.substring(8, equals).replace('.', ' ').strip().replaceAll("\\s+", " ");
      return new FitsCard(words.toUpperCase(Locale.ROOT), value(card.substring(equals + 1)));
    }
    if (key.equals("CONTINUE")) {
      return new FitsCard(key, value(card.substring(8)));
    }
    if (card.charAt(8) != '=' || key.equals("COMMENT") || key.equals("HISTORY")) {
      return new FitsCard(key, null);
    }
    return new FitsCard(key, value(card.substring(9)));
  }

  private static Object value(String field) {
    String text = field.strip();
    if (text.startsWith("'")) {
      return quoted(text);
    }
    int slash = text.indexOf('/');
    if (slash >= 0) {
      text = text.substring(0, slash).strip();
    }
    if (text.isEmpty()) {
      return null;
    }
    if (text.equals("T") || text.equals("F")) {
      return text.equals("T");
    }
    char first = text.charAt(0);
    if (Character.isDigit(first) || first == '+' || first == '-' || first == '.') {
      try {
        return Long.valueOf(text);
      } catch (NumberFormatException noInteger) {
        char last = text.charAt(text.length() - 1);
        if (Character.isDigit(last) || last == '.') { // Java would read "1f" and "1d" as numbers
          try {
            return Double.valueOf(text.replace('D', 'E').replace('d', 'e'));
          } catch (NumberFormatException noNumber) {
            return text;
          }
        }
      }
    }
    return text;
  }

  private static String quoted(String text) {
    StringBuilder string = new StringBuilder();
    for (int i = 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\'') {
        if (i + 1 < text.length() && text.charAt(i + 1) == '\'') {
          i++;
        } else {
          break;
        }
      }
      string.append(c);
    }
    return string.toString().stripTrailing();
  }

  /** The card or, for a long string, the cards: a multiple of 80 ASCII characters. */
  String format() {
    String name = key.toUpperCase(Locale.ROOT);
    boolean standard = name.matches("[A-Z0-9_-]{1,8}");
    String head = standard ? "%-8s= ".formatted(name) : "HIERARCH %s = ".formatted(name);
    if (!head.chars().allMatch(c -> c >= ' ' && c <= '~') || name.contains("=")) {
      throw new IllegalArgumentException(
          "keyword %s: expected printable ASCII without '='".formatted(key));
    }
    if (!(value instanceof String text)) {
      String plain = plain();
      String card = head + (standard ? "%20s".formatted(plain) : plain);
      if (card.length() > LENGTH) {
        throw new IllegalArgumentException(
            "keyword %s: name and value take %d characters, a card has 80"
                .formatted(key, card.length()));
      }
      return padded(commented(card));
    }
    String escaped = ascii(text).replace("'", "''");
    if (escaped.length() <= LONGEST_STRING && head.length() + escaped.length() + 2 <= LENGTH) {
      return padded(commented(head + "'%-8s'".formatted(escaped)));
    }
    if (!standard) {
      throw new IllegalArgumentException(
          "keyword %s: a long keyword's text must fit one card of 80 characters".formatted(key));
    }
    StringBuilder cards = new StringBuilder();
    int from = 0;
    while (from < escaped.length()) {
      int to = Math.min(from + LONGEST_PART, escaped.length());
      if (to < escaped.length() && splitsAQuotePair(escaped, from, to)) {
        to--;
      }
      String part = escaped.substring(from, to) + (to < escaped.length() ? "&" : "");
      cards.append(padded((from == 0 ? head : "CONTINUE  ") + "'" + part + "'"));
      from = to;
    }
    return cards.toString();
  }

  private static boolean splitsAQuotePair(String escaped, int from, int to) {
    int quotes = 0;
    for (int i = to - 1; i >= from && escaped.charAt(i) == '\''; i--) {
      quotes++;
    }
    return quotes % 2 == 1;
  }

  private String plain() {
    if (value instanceof Boolean truth) {
      return truth ? "T" : "F";
    }
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      if (!Double.isFinite(number)) {
        throw new IllegalArgumentException(
            "keyword %s: FITS has no card for %s; leave the keyword out".formatted(key, value));
      }
      return value.toString();
    }
    if (value instanceof Number number) {
      return number.toString();
    }
    throw new IllegalArgumentException(
        "keyword %s: found a value of %s, expected String, Number or Boolean"
            .formatted(key, value == null ? "null" : value.getClass().getSimpleName()));
  }

  static String ascii(String text) {
    return text.replaceAll("[^ -~]", "?");
  }

  private String commented(String card) {
    String behind = comment == null ? "" : " / " + ascii(comment);
    return card.length() + behind.length() <= LENGTH ? card + behind : card;
  }

  private static String padded(String card) {
    return card + " ".repeat(LENGTH - card.length());
  }
}
