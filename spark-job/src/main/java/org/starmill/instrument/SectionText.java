package org.starmill.instrument;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.starmill.image.Section;

/**
 * Reads sections as FITS headers write them: {@code [x1:x2,y1:y2]}.
 *
 * <p>Counted from 1, both ends included; {@code *} or {@code :} is a whole axis, a single number
 * one row or column, and ends in descending order (a flipped read-out) mean the same pixels. This
 * is the convention of IRAF, in which DATASEC, TRIMSEC and BIASSEC are written.
 */
final class SectionText {
  private static final String RANGE = "\\s*(\\*|:|\\d{1,9}(?:\\s*:\\s*\\d{1,9})?)\\s*";
  private static final Pattern SECTION =
      Pattern.compile("\\s*\\[?" + RANGE + "," + RANGE + "\\]?\\s*");

  private SectionText() {}

  /**
   * Reads a section of an image of the given size; empty where the text is no section or reaches
   * beyond the image.
   */
  static Optional<Section> parse(String text, int width, int height) {
    Matcher matcher = SECTION.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int[] columns = range(matcher.group(1), width);
    int[] rows = range(matcher.group(2), height);
    boolean inside = columns[0] >= 1 && columns[1] <= width && rows[0] >= 1 && rows[1] <= height;
    return inside
        ? Optional.of(
            new Section(
                columns[0] - 1, rows[0] - 1, columns[1] - columns[0] + 1, rows[1] - rows[0] + 1))
        : Optional.empty();
  }

  /** Whether the text has the form of a section, in an image of whatever size. */
  static boolean isWellFormed(String text) {
    return parse(text, 999_999_999, 999_999_999).isPresent();
  }

  private static int[] range(String text, int size) {
    if (text.equals("*") || text.equals(":")) {
      return new int[] {1, size};
    }
    String[] ends = text.split(":");
    int first = Integer.parseInt(ends[0].strip());
    int last = Integer.parseInt(ends[ends.length - 1].strip());
    return new int[] {Math.min(first, last), Math.max(first, last)};
  }
}
