package org.starmill.check;

import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/** Writes records, lists and maps as JSON, names in snake_case; what is no number as null. */
final class JsonText {
  private JsonText() {}

  static String of(Object value) {
    return text(value, "\n");
  }

  private static String text(Object value, String line) {
    String inner = line + "  ";
    if (value instanceof Record record) {
      StringJoiner object = new StringJoiner("," + inner, "{" + inner, line + "}");
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        object.add(name(component.getName()) + ": " + text(valueOf(component, record), inner));
      }
      return object.toString();
    }
    if (value instanceof Map<?, ?> map) {
      StringJoiner object = new StringJoiner(", ", "{", "}");
      map.forEach((key, of) -> object.add(quoted("" + key) + ": " + text(of, inner)));
      return object.toString();
    }
    if (value instanceof List<?> list) {
      StringJoiner array = new StringJoiner("," + inner, "[" + inner, line + "]");
      list.forEach(one -> array.add(text(one, inner)));
      return list.isEmpty() ? "[]" : array.toString();
    }
    if (value instanceof Double number) {
      boolean finite = !number.isNaN() && !number.isInfinite();
      return finite ? String.format(Locale.ROOT, "%.6g", number) : "null";
    }
    return value == null || value instanceof Number || value instanceof Boolean
        ? "" + value
        : quoted("" + value);
  }

  private static Object valueOf(RecordComponent component, Record record) {
    try {
      component.getAccessor().setAccessible(true);
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String name(String camelCase) {
    return quoted(camelCase.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT));
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
