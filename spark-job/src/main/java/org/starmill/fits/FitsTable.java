package org.starmill.fits;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A binary table to be written (FITS Standard 4.0, section 7.3).
 *
 * <p>Its columns are of whole numbers of 64 bits (K), doubles (D, NaN where there is no value),
 * logicals (L) or ASCII text as wide as the longest (A); other characters become question marks.
 *
 * @param name value of EXTNAME
 * @param columns in order, all of one length
 */
public record FitsTable(String name, List<Column> columns) implements FitsHdu {
  /**
   * A column.
   *
   * @param name value of TTYPEn
   * @param unit value of TUNITn; null for none
   * @param values all Long, Double, Boolean or String
   */
  public record Column(String name, String unit, List<?> values) {
    public Column {
      values = List.copyOf(values);
    }

    private int width() {
      int width = values.isEmpty() || !(values.get(0) instanceof Boolean) ? Long.BYTES : 1;
      if (!values.isEmpty() && values.get(0) instanceof String) {
        width = values.stream().mapToInt(text -> ((String) text).length()).max().orElse(1);
      }
      return Math.max(1, width);
    }

    private String form() {
      Object first = values.isEmpty() ? "" : values.get(0);
      if (first instanceof Long) {
        return "K";
      }
      if (first instanceof Double) {
        return "D";
      }
      if (first instanceof Boolean) {
        return "L";
      }
      if (first instanceof String) {
        return width() + "A";
      }
      throw new IllegalArgumentException(
          "column %s: found values of %s, expected Long, Double, Boolean or String"
              .formatted(name, first.getClass().getSimpleName()));
    }
  }

  public FitsTable {
    columns = List.copyOf(columns);
    if (columns.isEmpty()
        || columns.stream().mapToInt(column -> column.values().size()).distinct().count() != 1) {
      throw new IllegalArgumentException(
          "table %s: expected columns of one length, found %s"
              .formatted(
                  name, columns.stream().map(column -> "" + column.values().size()).toList()));
    }
  }

  private int rows() {
    return columns.get(0).values().size();
  }

  private int rowBytes() {
    return columns.stream().mapToInt(Column::width).sum();
  }

  @Override
  public LinkedHashMap<String, Object> layout() {
    LinkedHashMap<String, Object> layout = new LinkedHashMap<>();
    layout.put("XTENSION", "BINTABLE");
    layout.put("BITPIX", 8);
    layout.put("NAXIS", 2);
    layout.put("NAXIS1", rowBytes());
    layout.put("NAXIS2", rows());
    layout.put("PCOUNT", 0);
    layout.put("GCOUNT", 1);
    layout.put("TFIELDS", columns.size());
    layout.put("EXTNAME", name);
    int number = 0;
    for (Column column : columns) {
      number++;
      layout.put("TTYPE" + number, column.name());
      layout.put("TFORM" + number, column.form());
      if (column.unit() != null) {
        layout.put("TUNIT" + number, column.unit());
      }
    }
    return layout;
  }

  @Override
  public Map<String, Object> keywords() {
    return Map.of();
  }

  @Override
  public long writeData(OutputStream out) throws IOException {
    DataOutputStream data = new DataOutputStream(out);
    List<Integer> widths = new ArrayList<>();
    columns.forEach(column -> widths.add(column.width()));
    for (int row = 0; row < rows(); row++) {
      for (int i = 0; i < columns.size(); i++) {
        write(data, columns.get(i).values().get(row), widths.get(i));
      }
    }
    data.flush();
    return (long) rows() * rowBytes();
  }

  private static void write(DataOutputStream data, Object value, int width) throws IOException {
    if (value instanceof Long whole) {
      data.writeLong(whole);
    } else if (value instanceof Double number) {
      data.writeDouble(number);
    } else if (value instanceof Boolean truth) {
      data.writeByte(truth ? 'T' : 'F');
    } else {
      byte[] text = FitsCard.ascii((String) value).getBytes(StandardCharsets.US_ASCII);
      data.write(text);
      // A text that is shorter than its field ends with the first zero.
      data.write(new byte[width - text.length]);
    }
  }
}
