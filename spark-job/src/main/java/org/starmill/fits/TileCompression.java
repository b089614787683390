package org.starmill.fits;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import nom.tam.fits.compression.algorithm.hcompress.HDecompress;
import nom.tam.fits.compression.algorithm.plio.PLIOCompress;
import org.starmill.image.ImageRejected;

/**
 * Unpacks a tile-compressed image: RICE_1, GZIP_1, GZIP_2, NOCOMPRESS, HCOMPRESS_1, PLIO_1.
 *
 * <p>Each row of the table is one tile; it is unpacked, made physical and put into its place. Tiles
 * that could not be quantised lie in columns of their own, without loss. Only the coders of
 * HCOMPRESS and PLIO are nom-tam-fits's: its way from tiles to floats departs from the standard by
 * half a quantum where no dither was used, and does not keep every NaN. All sizes are checked
 * against the bytes that are there before anything is allocated.
 *
 * <p>FITS Standard 4.0, section 10; Pence, Seaman and White 2009, PASP 121, 414; Pence, White and
 * Seaman 2010, PASP 122, 1065 (quantisation with dither).
 */
final class TileCompression {
  /** No coder but HCOMPRESS packs more pixels into a byte; a header that says so is wrong. */
  private static final long MOST_PIXELS_PER_BYTE = 4096;

  /** What stands for 0.0 where SUBTRACTIVE_DITHER_2 was used. */
  private static final int EXACT_ZERO = -2147483646;

  private static final Pattern ARRAY_COLUMN = Pattern.compile("[01]?([PQ])([LXBIJKAEDCM]).*");
  private static final Pattern FIXED_COLUMN = Pattern.compile("(\\d*)([LXBIJKAEDCM]).*");

  /** The standard's 10000 pseudo-random numbers (its appendix I; Park and Miller 1988). */
  private static final float[] RANDOM = random();

  private final HduHeader header;
  private final ByteBuffer table;
  private final Map<String, Column> columns = new HashMap<>();
  private final int rowLength;
  private final int heap;
  private final int width;
  private final int height;
  private final int tileWidth;
  private final int tileHeight;
  private final int rows;
  private final int bitpix;
  private final String coder;
  private final String quantizer;
  private final PixelScale scale;

  private record Column(int offset, char form, boolean array, boolean wide) {}

  private TileCompression(HduHeader header, byte[] data, PixelScale scale) {
    int[] size = header.imageSize();
    this.header = header;
    this.table = ByteBuffer.wrap(data);
    this.scale = scale;
    this.width = size[0];
    this.height = size[1];
    this.bitpix = header.imageBitpix();
    this.coder = header.text("ZCMPTYPE", "");
    this.quantizer = header.text("ZQUANTIZ", "NO_DITHER");
    this.tileWidth = tile(1, width, width);
    this.tileHeight = tile(2, height, 1);
    long tiles =
        (long) ((width + tileWidth - 1) / tileWidth) * ((height + tileHeight - 1) / tileHeight);
    long tableRows = header.integer("NAXIS2", 0);
    if (tableRows != tiles) {
      throw header.unreadable(
          "found %d rows of tiles, expected %d from ZNAXISn and ZTILEn"
              .formatted(tableRows, tiles));
    }
    long pixels = (long) width * height;
    if (!coder.startsWith("HCOMPRESS") && pixels / MOST_PIXELS_PER_BYTE > data.length) {
      throw header.unreadable(
          "found %d bytes of tiles packed with %s, too few for %d pixels"
              .formatted(data.length, coder, pixels));
    }
    long rowBytes = header.integer("NAXIS1", 0);
    long heapStart = header.integer("THEAP", rowBytes * tableRows);
    if (heapStart < rowBytes * tableRows || heapStart > data.length) {
      throw header.unreadable(
          "the heap of tiles begins at byte %d of %d, expected behind %d rows of %d bytes"
              .formatted(heapStart, data.length, tableRows, rowBytes));
    }
    this.rows = (int) tableRows;
    this.rowLength = (int) rowBytes;
    this.heap = (int) heapStart;
    readColumns();
  }

  /**
   * Decodes the image.
   *
   * @param header of the table
   * @param data the table and its heap
   * @return physical values, row-major
   * @throws ImageRejected "unreadable" or "unsupported", naming the tile
   */
  static float[] decode(HduHeader header, byte[] data, PixelScale scale) {
    return new TileCompression(header, data, scale).decode();
  }

  private int tile(int axis, int size, int otherwise) {
    long tile = header.integer("ZTILE" + axis, otherwise);
    if (tile < 1) {
      throw header.unreadable("ZTILE%d is %d, expected 1 or more".formatted(axis, tile));
    }
    return (int) Math.min(tile, size);
  }

  private void readColumns() {
    long offset = 0;
    for (int i = 1; i <= header.integer("TFIELDS", 0) && offset <= rowLength; i++) {
      String form = header.text("TFORM" + i, "");
      Matcher array = ARRAY_COLUMN.matcher(form);
      Matcher fixed = FIXED_COLUMN.matcher(form);
      String name = header.text("TTYPE" + i, "");
      if (array.matches()) {
        boolean wide = array.group(1).equals("Q");
        columns.put(name, new Column((int) offset, array.group(2).charAt(0), true, wide));
        offset += wide ? 16 : 8;
      } else if (fixed.matches() && fixed.group(1).length() < 9) {
        char type = fixed.group(2).charAt(0);
        columns.put(name, new Column((int) offset, type, false, false));
        long repeat = fixed.group(1).isEmpty() ? 1 : Long.parseLong(fixed.group(1));
        offset += type == 'X' ? (repeat + 7) / 8 : repeat * bytesOf(type);
      } else {
        throw header.unreadable("TFORM%d is \"%s\", expected a column of tiles".formatted(i, form));
      }
    }
    if (offset != rowLength) {
      throw header.unreadable(
          "the columns take %d bytes a row, expected NAXIS1 = %d".formatted(offset, rowLength));
    }
  }

  private static int bytesOf(char form) {
    return switch (form) {
      case 'I' -> 2;
      case 'J', 'E' -> 4;
      case 'K', 'D', 'C' -> 8;
      case 'M' -> 16;
      default -> 1;
    };
  }

  private float[] decode() {
    boolean quantized =
        bitpix < 0
            && !quantizer.equals("NONE")
            && (columns.containsKey("ZSCALE") || header.values().containsKey("ZSCALE"));
    float[] pixels = new float[width * height];
    int most = tileWidth * tileHeight;
    int[] integers = new int[most];
    float[] values = new float[most];
    int across = (width + tileWidth - 1) / tileWidth;
    for (int row = 0; row < rows; row++) {
      int x0 = row % across * tileWidth;
      int y0 = row / across * tileHeight;
      int columnsHere = Math.min(tileWidth, width - x0);
      int count = columnsHere * Math.min(tileHeight, height - y0);
      try {
        decodeTile(row, columnsHere, count, quantized, integers, values);
      } catch (IOException | RuntimeException | StackOverflowError broken) {
        if (broken instanceof ImageRejected rejected) {
          throw rejected;
        }
        throw header.unreadable(
            "tile %d of %d packed with %s cannot be unpacked (%s)"
                .formatted(row + 1, rows, coder, broken));
      }
      for (int done = 0, y = y0; done < count; done += columnsHere, y++) {
        System.arraycopy(values, done, pixels, y * width + x0, columnsHere);
      }
    }
    return pixels;
  }

  private void decodeTile(
      int row, int columnsHere, int count, boolean quantized, int[] integers, float[] values)
      throws IOException {
    byte[] packed = cell(row, "COMPRESSED_DATA");
    if (packed.length == 0) {
      byte[] whole = cell(row, "GZIP_COMPRESSED_DATA");
      byte[] plain = whole.length > 0 ? unzipped(whole, count) : cell(row, "UNCOMPRESSED_DATA");
      if (plain.length == 0) {
        throw header.unreadable("tile %d of %d has no data".formatted(row + 1, rows));
      }
      takePlain(plain, count, bitpix < 0, values);
      return;
    }
    switch (coder) {
      case "RICE_1", "RICE_ONE" ->
          new RiceDecoder(packed, 0, packed.length)
              .decode(
                  integers,
                  count,
                  parameter("BYTEPIX", 4, 1, 4),
                  parameter("BLOCKSIZE", 32, 1, 1 << 16));
      case "GZIP_1", "GZIP_2", "NOCOMPRESS" -> {
        byte[] plain = coder.equals("NOCOMPRESS") ? packed : unzipped(packed, count);
        if (coder.equals("GZIP_2")) {
          plain = unshuffled(plain, count);
        }
        if (!quantized) {
          takePlain(plain, count, bitpix < 0, values);
          return;
        }
        takeIntegers(plain, count, integers);
      }
      case "HCOMPRESS_1" -> {
        long[] wide = new long[count];
        boolean smooth = parameter("SMOOTH", 0, 0, Integer.MAX_VALUE) != 0;
        new HDecompress().decompress(ByteBuffer.wrap(packed), smooth, wide);
        for (int i = 0; i < count; i++) {
          integers[i] = (int) wide[i];
        }
      }
      case "PLIO_1" ->
          new PLIOCompress.IntPLIOCompressor()
              .decompress(ByteBuffer.wrap(packed), IntBuffer.wrap(integers, 0, count));
      default ->
          throw new ImageRejected(
              "unsupported",
              "%s, HDU %d: found tiles packed with \"%s\", expected RICE_1, GZIP_1, GZIP_2, HCOMPRESS_1, PLIO_1 or NOCOMPRESS; unpack it first"
                  .formatted(header.path(), header.hdu(), coder));
    }
    if (quantized) {
      dequantize(row, count, integers, values);
    } else if (bitpix < 0) {
      double factor = cellNumber(row, "ZSCALE", 1);
      double offset = cellNumber(row, "ZZERO", 0);
      for (int i = 0; i < count; i++) {
        values[i] = scale.physical(integers[i] * factor + offset);
      }
    } else {
      for (int i = 0; i < count; i++) {
        values[i] = scale.physical((long) integers[i]);
      }
    }
  }

  private void dequantize(int row, int count, int[] integers, float[] values) {
    double factor = cellNumber(row, "ZSCALE", 1);
    double offset = cellNumber(row, "ZZERO", 0);
    boolean hasBlank = columns.containsKey("ZBLANK") || header.values().containsKey("ZBLANK");
    long blank = hasBlank ? (long) cellNumber(row, "ZBLANK", 0) : 0;
    boolean dither = quantizer.startsWith("SUBTRACTIVE_DITHER");
    boolean zeros = quantizer.equals("SUBTRACTIVE_DITHER_2");
    int seed = 0;
    int next = 0;
    if (dither) {
      seed = (int) Math.floorMod(row + header.integer("ZDITHER0", 1) - 1, (long) RANDOM.length);
      next = (int) (RANDOM[seed] * 500);
    }
    for (int i = 0; i < count; i++) {
      int stored = integers[i];
      if (hasBlank && stored == blank) {
        values[i] = Float.NaN;
      } else if (zeros && stored == EXACT_ZERO) {
        values[i] = scale.physical(0.0);
      } else if (dither) {
        values[i] = scale.physical(((double) stored - RANDOM[next] + 0.5) * factor + offset);
      } else {
        values[i] = scale.physical(stored * factor + offset);
      }
      if (dither && ++next == RANDOM.length) {
        seed = (seed + 1) % RANDOM.length;
        next = (int) (RANDOM[seed] * 500);
      }
    }
  }

  private static float[] random() {
    float[] numbers = new float[10000];
    long seed = 1;
    for (int i = 0; i < numbers.length; i++) {
      seed = seed * 16807 % 2147483647;
      numbers[i] = (float) (seed / 2147483647.0);
    }
    return numbers;
  }

  /** The bytes of a tile; none where the column is absent or the cell empty. */
  private byte[] cell(int row, String name) {
    Column column = columns.get(name);
    if (column == null || !column.array()) {
      return new byte[0];
    }
    int at = row * rowLength + column.offset();
    long count = column.wide() ? table.getLong(at) : table.getInt(at) & 0xffffffffL;
    long start = column.wide() ? table.getLong(at + 8) : table.getInt(at + 4) & 0xffffffffL;
    long room = table.capacity() - heap;
    if (count == 0) {
      return new byte[0];
    }
    int unit = bytesOf(column.form());
    if (count < 0 || start < 0 || start > room || count > (room - start) / unit) {
      throw header.unreadable(
          "tile %d of %d is said to have %d values from byte %d of a heap of %d bytes"
              .formatted(row + 1, rows, count, start, room));
    }
    int from = heap + (int) start;
    return Arrays.copyOfRange(table.array(), from, from + (int) count * unit);
  }

  /** The value of a column in this row or, without such a column, of the keyword. */
  private double cellNumber(int row, String name, double otherwise) {
    Column column = columns.get(name);
    if (column == null) {
      return header.number(name, otherwise);
    }
    int at = row * rowLength + column.offset();
    return switch (column.form()) {
      case 'B' -> table.get(at) & 0xff;
      case 'I' -> table.getShort(at);
      case 'J' -> table.getInt(at);
      case 'K' -> table.getLong(at);
      case 'E' -> table.getFloat(at);
      case 'D' -> table.getDouble(at);
      default ->
          throw header.unreadable(
              "column %s has the form %s, expected a number".formatted(name, column.form()));
    };
  }

  /** A setting of the coder (ZNAMEn, ZVALn). */
  private int parameter(String name, int otherwise, int least, int most) {
    for (int i = 1; header.values().containsKey("ZNAME" + i); i++) {
      if (header.text("ZNAME" + i, "").equals(name)) {
        long value = header.integer("ZVAL" + i, otherwise);
        if (value < least || value > most || name.equals("BYTEPIX") && value == 3) {
          throw header.unreadable("%s of %s is %d".formatted(name, coder, value));
        }
        return (int) value;
      }
    }
    return otherwise;
  }

  private byte[] unzipped(byte[] packed, int count) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
      return in.readNBytes((int) Math.min(Integer.MAX_VALUE - 16L, 8L * count + 1));
    }
  }

  /** GZIP_2 packs all first bytes of the values, then all second ones, and so on. */
  private byte[] unshuffled(byte[] bytes, int count) {
    int unit = unit(bytes.length, count);
    byte[] values = new byte[bytes.length];
    for (int b = 0; b < unit; b++) {
      for (int i = 0; i < count; i++) {
        values[i * unit + b] = bytes[b * count + i];
      }
    }
    return values;
  }

  private static int unit(int bytes, int count) {
    for (int unit = 1; unit <= 8; unit *= 2) {
      if (bytes == (long) unit * count) {
        return unit;
      }
    }
    throw new IllegalStateException("%d bytes for %d pixels".formatted(bytes, count));
  }

  private void takeIntegers(byte[] bytes, int count, int[] integers) {
    int unit = unit(bytes.length, count);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    for (int i = 0; i < count; i++) {
      integers[i] =
          switch (unit) {
            case 1 -> in.get(i) & 0xff;
            case 2 -> in.getShort(2 * i);
            case 4 -> in.getInt(4 * i);
            default -> (int) in.getLong(8 * i);
          };
    }
  }

  private void takePlain(byte[] bytes, int count, boolean floating, float[] values) {
    int unit = unit(bytes.length, count);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (unit) {
            case 1 -> scale.physical((long) (in.get(i) & 0xff));
            case 2 -> scale.physical((long) in.getShort(2 * i));
            case 4 ->
                floating
                    ? scale.physical((double) in.getFloat(4 * i))
                    : scale.physical((long) in.getInt(4 * i));
            default ->
                floating ? scale.physical(in.getDouble(8 * i)) : scale.physical(in.getLong(8 * i));
          };
    }
  }
}
