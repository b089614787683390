package org.starmill.instrument;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.starmill.config.TypedConfig;
import org.starmill.fits.FitsHeader;

/**
 * Asks a header whether its keywords look as an instrument file says.
 *
 * <p>Every keyword named must match its regular expression from end to end, in whatever case; an
 * absent keyword reads as empty text, and {@code file-name} stands for the file's name.
 */
final class HeaderCondition {
  private static final String FILE_NAME = "file-name";

  private record Match(String keyword, Pattern pattern) {}

  private final List<Match> matches = new ArrayList<>();

  private HeaderCondition() {}

  /** Reads a condition such as {@code { OBJECT = "bias.*", EXPTIME = "0(\\.0*)?" }}. */
  static HeaderCondition of(String key, ConfigValue value) {
    if (!(value instanceof ConfigObject object) || object.isEmpty()) {
      throw TypedConfig.wrong(
          key, value, "keywords with regular expressions, { OBJECT = \"bias.*\" }");
    }
    HeaderCondition condition = new HeaderCondition();
    object.forEach(
        (keyword, regex) -> {
          if (regex.valueType() == ConfigValueType.OBJECT
              || regex.valueType() == ConfigValueType.LIST
              || regex.valueType() == ConfigValueType.NULL) {
            throw TypedConfig.wrong(key + "." + keyword, regex, "a regular expression");
          }
          try {
            condition.matches.add(
                new Match(
                    keyword,
                    Pattern.compile(
                        regex.unwrapped().toString(), Pattern.CASE_INSENSITIVE | Pattern.DOTALL)));
          } catch (PatternSyntaxException e) {
            throw TypedConfig.wrong(
                key + "." + keyword, regex, "a regular expression (" + e.getDescription() + ")");
          }
        });
    return condition;
  }

  boolean holds(String path, FitsHeader header) {
    for (Match match : matches) {
      String text =
          match.keyword.equals(FILE_NAME) ? fileName(path) : header.text(match.keyword).orElse("");
      if (!match.pattern.matcher(text).matches()) {
        return false;
      }
    }
    return true;
  }

  private static String fileName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
