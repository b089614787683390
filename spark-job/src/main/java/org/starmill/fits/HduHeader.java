package org.starmill.fits;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.starmill.image.ImageRejected;

/**
 * The header of one HDU as the file has it, and what it says of the data behind it.
 *
 * <p>Cards are read block by block up to END; of a keyword given twice the first counts, as in
 * other readers. Only the size of the data decides where the next HDU begins.
 */
final class HduHeader {
  static final int BLOCK = 2880;

  /** Images of more pixels than this are refused: 16384 x 16384, four times the largest CCD. */
  static final long MOST_PIXELS = 1L << 28;

  private static final int MOST_BLOCKS = 4000;

  /** Keywords that describe this HDU's own pixels and are never taken from the primary. */
  private static final Pattern LAYOUT =
      Pattern.compile(
          "SIMPLE|XTENSION|BITPIX|NAXIS\\d*|PCOUNT|GCOUNT|EXTEND|GROUPS|BLOCKED|BSCALE|BZERO|BLANK"
              + "|BUNIT|DATAMIN|DATAMAX|EXTNAME|EXTVER|EXTLEVEL|NEXTEND|INHERIT|CHECKSUM|DATASUM");

  /** A coordinate system is one thing: it is taken from the primary whole or not at all. */
  private static final Pattern COORDINATES =
      Pattern.compile(
          "WCSAXES|(CTYPE|CRVAL|CRPIX|CDELT|CROTA|CUNIT)\\d|(CD|PC|PV)\\d+_\\d+|(A|B|AP|BP)_\\w+"
              + "|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX");

  private static final Pattern TABLE =
      Pattern.compile(
          "XTENSION|BITPIX|NAXIS\\d*|PCOUNT|GCOUNT|TFIELDS|THEAP"
              + "|(TTYPE|TFORM|TDIM|TNULL|TSCAL|TZERO|TUNIT|TDISP)\\d+");

  private static final Pattern TILES =
      Pattern.compile(
          "ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\\d*|ZTILE\\d+|ZNAME\\d+|ZVAL\\d+|ZMASKCMP|ZQUANTIZ"
              + "|ZDITHER0|ZSCALE|ZZERO|ZBLANK|ZTENSION|ZSIMPLE|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT"
              + "|ZHECKSUM|ZDATASUM");

  private final String path;
  private final int hdu;
  private final LinkedHashMap<String, Object> values;

  HduHeader(String path, int hdu, LinkedHashMap<String, Object> values) {
    this.path = path;
    this.hdu = hdu;
    this.values = values;
  }

  /**
   * Reads the header that begins at the stream's place.
   *
   * @return the header; empty at the end of the file and where what follows is no extension (the
   *     standard allows other records there)
   */
  static Optional<HduHeader> read(FitsStream in, String path, int hdu) throws IOException {
    LinkedHashMap<String, Object> values = new LinkedHashMap<>();
    byte[] block = new byte[BLOCK];
    String continued = null;
    for (int blocks = 0; blocks < MOST_BLOCKS; blocks++) {
      int length = in.readBlock(block);
      if (blocks == 0 && hdu > 0 && !startsWith(block, length, "XTENSION")) {
        return Optional.empty();
      }
      if (blocks == 0 && hdu == 0 && !startsWith(block, length, "SIMPLE  =")) {
        throw new ImageRejected(
            "unreadable",
            ("%s: not a FITS file: it begins with %s, expected \"SIMPLE  =\" (plain or inside gzip,"
                    + " bzip2 or compress); remove it from the input or fetch it again")
                .formatted(path, beginning(block, length)));
      }
      for (int at = 0; at + FitsCard.LENGTH <= length; at += FitsCard.LENGTH) {
        String text = new String(block, at, FitsCard.LENGTH, StandardCharsets.ISO_8859_1);
        if (text.startsWith("END") && text.substring(3).isBlank()) {
          return Optional.of(new HduHeader(path, hdu, values));
        }
        if (!text.substring(0, 8).chars().allMatch(c -> c >= ' ' && c <= '~')) {
          throw new ImageRejected(
              "unreadable",
              "%s, HDU %d: found bytes that are no text in card %d of the header, expected a keyword or END; fetch the file again"
                  .formatted(path, hdu, blocks * BLOCK / FitsCard.LENGTH + at / FitsCard.LENGTH));
        }
        FitsCard card = FitsCard.parse(text);
        if (card.key().equals("CONTINUE") && card.value() instanceof String more) {
          if (continued != null && values.get(continued) instanceof String soFar) {
            values.put(continued, soFar.substring(0, soFar.length() - 1) + more);
            continued = more.endsWith("&") ? continued : null;
          }
        } else {
          continued = null;
          if (card.value() != null && values.putIfAbsent(card.key(), card.value()) == null) {
            boolean more = card.value() instanceof String string && string.endsWith("&");
            continued = more ? card.key() : null;
          }
        }
      }
      if (length < BLOCK) {
        throw new ImageRejected(
            "truncated",
            "%s, HDU %d: the file ends inside the header after %d cards, expected END; fetch the file again"
                .formatted(path, hdu, (blocks * BLOCK + length) / FitsCard.LENGTH));
      }
    }
    throw new ImageRejected(
        "unreadable",
        "%s, HDU %d: found no END in the first %d blocks of the header; fetch the file again"
            .formatted(path, hdu, MOST_BLOCKS));
  }

  private static boolean startsWith(byte[] block, int length, String text) {
    return length >= text.length()
        && new String(block, 0, text.length(), StandardCharsets.ISO_8859_1).equals(text);
  }

  private static String beginning(byte[] block, int length) {
    if (length == 0) {
      return "nothing (no byte)";
    }
    String text = new String(block, 0, Math.min(length, 16), StandardCharsets.ISO_8859_1);
    return "\"" + text.replaceAll("[^ -~]", "?") + "\"";
  }

  /** Whether the keyword describes how the pixels of one HDU are stored. */
  static boolean describesLayout(String key) {
    return LAYOUT.matcher(key).matches();
  }

  /** Whether the keyword is part of the world coordinate system. */
  static boolean describesCoordinates(String key) {
    return COORDINATES.matcher(key).matches();
  }

  String path() {
    return path;
  }

  int hdu() {
    return hdu;
  }

  Map<String, Object> values() {
    return values;
  }

  /** The value as an integer, or the given one where the keyword is absent. */
  long integer(String key, long otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Long number) {
      return number;
    }
    if (value instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e15) {
      return number.longValue();
    }
    throw unreadable("%s is %s, expected an integer".formatted(key, value));
  }

  /** The value as a number, or the given one where the keyword is absent. */
  double number(String key, double otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw unreadable("%s is %s, expected a number".formatted(key, value));
  }

  String text(String key, String otherwise) {
    Object value = values.get(key);
    return value == null ? otherwise : value.toString().strip();
  }

  ImageRejected unreadable(String found) {
    return new ImageRejected(
        "unreadable",
        "%s, HDU %d: %s; repair the header or fetch the file again".formatted(path, hdu, found));
  }

  /** Bytes of data behind this header, without the filling of the last block. */
  long dataBytes() {
    long axes = axis("NAXIS", 999);
    int bitpix = bitpix("BITPIX");
    if (axes == 0) {
      return 0;
    }
    boolean groups = Boolean.TRUE.equals(values.get("GROUPS")) && integer("NAXIS1", 0) == 0;
    try {
      long product = 1;
      for (int i = groups ? 2 : 1; i <= axes; i++) {
        product = Math.multiplyExact(product, axis("NAXIS" + i, Long.MAX_VALUE));
      }
      long parameters = integer("PCOUNT", 0);
      long count = integer("GCOUNT", 1);
      if (parameters < 0 || count < 0) {
        throw unreadable("PCOUNT %d, GCOUNT %d, expected 0 or more".formatted(parameters, count));
      }
      long stored = Math.multiplyExact(count, Math.addExact(parameters, product));
      // Room for the filling of the last block must be left, too.
      return Math.addExact(Math.multiplyExact(stored, Math.abs(bitpix) / 8), BLOCK) - BLOCK;
    } catch (ArithmeticException overflow) {
      throw new ImageRejected(
          "unsupported",
          "%s, HDU %d: the axes announce more than 2^63 bytes of data; repair NAXIS1..n"
              .formatted(path, hdu));
    }
  }

  private long axis(String key, long most) {
    if (!values.containsKey(key)) {
      throw unreadable("the keyword %s is missing".formatted(key));
    }
    long value = integer(key, -1);
    if (value < 0 || value > most) {
      throw unreadable("%s is %d, expected 0 or more".formatted(key, value));
    }
    return value;
  }

  private int bitpix(String key) {
    long value = integer(key, 0);
    if (value == 8 || value == 16 || value == 32 || value == 64 || value == -32 || value == -64) {
      return (int) value;
    }
    throw unreadable(
        "%s is %s, expected 8, 16, 32, 64, -32 or -64".formatted(key, text(key, "missing")));
  }

  /** Whether this is the table of a tile-compressed image. */
  boolean tileCompressed() {
    return text("XTENSION", "").equals("BINTABLE") && Boolean.TRUE.equals(values.get("ZIMAGE"));
  }

  /** BITPIX of the image, also where it is tile-compressed. */
  int imageBitpix() {
    return bitpix(tileCompressed() ? "ZBITPIX" : "BITPIX");
  }

  /**
   * The image's columns and rows.
   *
   * @throws ImageRejected "no image" where there is none, "unsupported" where it is not a plain
   *     two-dimensional one of sane size
   */
  int[] imageSize() {
    String kind = text("XTENSION", hdu == 0 ? "IMAGE" : "");
    boolean tiles = tileCompressed();
    if (!tiles && !kind.equals("IMAGE") && !kind.equals("IUEIMAGE")) {
      throw noImage("a table (%s)".formatted(kind));
    }
    String prefix = tiles ? "ZNAXIS" : "NAXIS";
    long axes = axis(prefix, 999);
    if (axes < 2) {
      throw noImage("%s = %d".formatted(prefix, axes));
    }
    if (!tiles && Boolean.TRUE.equals(values.get("GROUPS")) && integer("NAXIS1", 0) == 0) {
      throw unsupported("random groups", "write them as images");
    }
    if (Boolean.FALSE.equals(values.get("SIMPLE"))) {
      throw unsupported("SIMPLE = F, a file that departs from the standard", "convert it");
    }
    long width = axis(prefix + "1", Long.MAX_VALUE);
    long height = axis(prefix + "2", Long.MAX_VALUE);
    long planes = 1;
    StringBuilder shape = new StringBuilder(width + " x " + height);
    for (int i = 3; i <= axes; i++) {
      long axis = axis(prefix + i, Long.MAX_VALUE);
      shape.append(" x ").append(axis);
      planes = axis == 1 || planes == 0 ? planes : axis == 0 ? 0 : 2;
    }
    if (width == 0 || height == 0 || planes == 0) {
      throw noImage("an image of %s pixels".formatted(shape));
    }
    if (planes > 1) {
      throw unsupported("a cube of %s pixels".formatted(shape), "split it into images");
    }
    if (width > MOST_PIXELS || height > MOST_PIXELS || width * height > MOST_PIXELS) {
      throw unsupported(
          "%s pixels announced, more than the %d that are read".formatted(shape, MOST_PIXELS),
          "repair NAXIS1 and NAXIS2 or split the image");
    }
    if (!tiles && (integer("PCOUNT", 0) != 0 || integer("GCOUNT", 1) != 1)) {
      throw unsupported(
          "PCOUNT %d, GCOUNT %d".formatted(integer("PCOUNT", 0), integer("GCOUNT", 1)),
          "write it as a plain image (PCOUNT 0, GCOUNT 1)");
    }
    imageBitpix();
    return new int[] {(int) width, (int) height};
  }

  private ImageRejected noImage(String found) {
    return new ImageRejected(
        "no image",
        "%s, HDU %d: found %s, expected an image of two axes; leave the file out of the input"
            .formatted(path, hdu, found));
  }

  private ImageRejected unsupported(String found, String remedy) {
    return new ImageRejected(
        "unsupported",
        "%s, HDU %d: found %s, expected an image of two axes; %s"
            .formatted(path, hdu, found, remedy));
  }

  /** The keywords of the image, with those of the primary HDU behind them. */
  FitsHeader imageHeader(Optional<HduHeader> primary) {
    LinkedHashMap<String, Object> merged = tileCompressed() ? uncompressed() : copy();
    boolean inherits = !Boolean.FALSE.equals(values.get("INHERIT"));
    if (primary.isPresent() && inherits) {
      boolean ownCoordinates = merged.containsKey("CTYPE1") || merged.containsKey("CRVAL1");
      primary
          .get()
          .values
          .forEach(
              (key, value) -> {
                boolean own = ownCoordinates && COORDINATES.matcher(key).matches();
                if (!own && !LAYOUT.matcher(key).matches()) {
                  merged.putIfAbsent(key, value);
                }
              });
    }
    return new FitsHeader(merged);
  }

  private LinkedHashMap<String, Object> copy() {
    return new LinkedHashMap<>(values);
  }

  private LinkedHashMap<String, Object> uncompressed() {
    LinkedHashMap<String, Object> image = new LinkedHashMap<>();
    image.put("XTENSION", "IMAGE");
    image.put("BITPIX", values.get("ZBITPIX"));
    image.put("NAXIS", values.get("ZNAXIS"));
    for (int i = 1; i <= integer("ZNAXIS", 0); i++) {
      image.put("NAXIS" + i, values.get("ZNAXIS" + i));
    }
    image.put("PCOUNT", 0L);
    image.put("GCOUNT", 1L);
    values.forEach(
        (key, value) -> {
          boolean ofTheTable =
              TABLE.matcher(key).matches()
                  || TILES.matcher(key).matches()
                  || key.equals("CHECKSUM")
                  || key.equals("DATASUM")
                  || (key.equals("EXTNAME") && value.equals("COMPRESSED_IMAGE"));
          if (!ofTheTable) {
            image.put(key, value);
          }
        });
    if (!image.containsKey("BLANK") && values.containsKey("ZBLANK") && imageBitpix() > 0) {
      image.put("BLANK", values.get("ZBLANK"));
    }
    return image;
  }
}
