package org.starmill.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import nom.tam.fits.Fits;
import nom.tam.fits.FitsFactory;
import nom.tam.fits.ImageHDU;
import nom.tam.image.compression.hdu.CompressedImageHDU;
import nom.tam.util.FitsOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.image.ImageRejected;

/** What comes out of a file is what the camera put in, or a reason. */
class FrameReaderTest {
  private static final int WIDTH = 90;
  private static final int HEIGHT = 70;

  @TempDir Path folder;

  private final FrameReader reader = new FrameReader(new Configuration());

  /** A sky of 1000 with noise and one bright star. */
  private static short[] sky() {
    Random random = new Random(11);
    short[] pixels = new short[WIDTH * HEIGHT];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (short) (1000 + 30 * random.nextGaussian());
    }
    pixels[33 * WIDTH + 44] = 32000;
    return pixels;
  }

  private static float[] floats(short[] pixels) {
    float[] values = new float[pixels.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = pixels[i];
    }
    return values;
  }

  private static String card(String key, Object value) {
    return new FitsCard(key, value).format();
  }

  private static byte[] header(String... cards) {
    String text = String.join("", cards) + "END";
    int blocks = (text.length() + 2879) / 2880;
    return (text + " ".repeat(2880 * blocks - text.length())).getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] primary(int bitpix, long width, long height, String... more) {
    String[] cards = {
      card("SIMPLE", true),
      card("BITPIX", bitpix),
      card("NAXIS", 2),
      card("NAXIS1", width),
      card("NAXIS2", height),
      String.join("", more)
    };
    return header(cards);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] filled(ByteBuffer data) {
    return Arrays.copyOf(data.array(), (data.capacity() + 2879) / 2880 * 2880);
  }

  private static byte[] plainFrame() {
    ByteBuffer data = ByteBuffer.allocate(2 * WIDTH * HEIGHT);
    data.asShortBuffer().put(sky());
    return join(primary(16, WIDTH, HEIGHT, card("EXPTIME", 30.5)), filled(data));
  }

  private String file(String name, byte[] bytes) throws IOException {
    Path path = folder.resolve(name);
    Files.write(path, bytes);
    return path.toString();
  }

  private ImageRejected refusal(String path) {
    return catchThrowableOfType(
        ImageRejected.class,
        () -> {
          for (ImageHdu image : reader.scan(path)) {
            reader.read(path, image.hdu());
          }
        });
  }

  @ParameterizedTest
  @CsvSource({"frame.fits", "frame.fit", "frame.fts", "frame", "a night: #3 [raw].fits"})
  void aPlainFrameIsReadWhateverItsName(String name) throws IOException {
    String path = file(name, plainFrame());
    ImageHdu image = reader.scan(path).get(0);
    assertThat(image.hdu()).isZero();
    assertThat(image.width()).isEqualTo(WIDTH);
    assertThat(image.height()).isEqualTo(HEIGHT);
    assertThat(image.header().number("EXPTIME")).hasValue(30.5);
    FitsImage read = reader.read(path, 0);
    assertThat(read.pixels()).isEqualTo(floats(sky()));
    assertThat(read.pixels()[33 * WIDTH + 44]).isEqualTo(32000);
  }

  @Test
  void aUriNamesTheSameFrame() throws IOException {
    String path = file("frame.fits", plainFrame());
    assertThat(reader.read("file://" + path, 0).pixels()).isEqualTo(floats(sky()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "bzip2"})
  void aPackedFrameIsKnownByItsFirstBytesNotItsName(String packing) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out =
        packing.equals("gzip")
            ? new GZIPOutputStream(bytes)
            : new BZip2CompressorOutputStream(bytes)) {
      out.write(plainFrame());
    }
    String path = file("frame.fits", bytes.toByteArray());
    assertThat(reader.scan(path)).hasSize(1);
    assertThat(reader.read(path, 0).pixels()).isEqualTo(floats(sky()));

    byte[] half = Arrays.copyOf(bytes.toByteArray(), bytes.size() / 2);
    ImageRejected cut = refusal(file("cut.fits", half));
    assertThat(cut.reason()).isEqualTo("truncated");
    assertThat(cut).hasMessageContaining("cut.fits");
  }

  @ParameterizedTest
  @CsvSource({
    "RICE_1, 90, 1",
    "RICE_1, 40, 32",
    "GZIP_1, 90, 1",
    "GZIP_2, 33, 17",
    "HCOMPRESS_1, 90, 16",
    "PLIO_1, 90, 1"
  })
  void aTileCompressedFrameHasTheValuesOfThePlainOne(String coder, int tileX, int tileY)
      throws Exception {
    short[][] rows = new short[HEIGHT][];
    for (int y = 0; y < HEIGHT; y++) {
      rows[y] = Arrays.copyOfRange(sky(), y * WIDTH, (y + 1) * WIDTH);
    }
    ImageHDU plain = (ImageHDU) FitsFactory.hduFactory(rows);
    plain.getHeader().addValue("EXPTIME", 12.5, "seconds");
    CompressedImageHDU packed = CompressedImageHDU.fromImageHDU(plain, tileX, tileY);
    packed.setCompressAlgorithm(coder).setQuantAlgorithm(null);
    packed.compress();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Fits fits = new Fits();
        FitsOutputStream out = new FitsOutputStream(bytes)) {
      fits.addHDU(packed);
      fits.write(out);
    }
    String path = file("frame.fits.fz", bytes.toByteArray());
    List<ImageHdu> images = reader.scan(path);
    assertThat(images).hasSize(1);
    ImageHdu image = images.get(0);
    assertThat(image.hdu()).isEqualTo(1);
    assertThat(image.width()).isEqualTo(WIDTH);
    assertThat(image.header().number("NAXIS1")).hasValue(WIDTH);
    assertThat(image.header().number("BITPIX")).hasValue(16);
    assertThat(image.header().number("EXPTIME")).hasValue(12.5);
    assertThat(image.header().keys()).noneMatch(key -> key.startsWith("Z") || key.startsWith("TT"));
    assertThat(reader.read(path, 1).pixels()).isEqualTo(floats(sky()));

    int table = new String(bytes.toByteArray(), StandardCharsets.ISO_8859_1).indexOf("XTENSION");
    byte[] cut = Arrays.copyOf(bytes.toByteArray(), table + 2 * 2880 + 700);
    assertThat(refusal(file("cut.fits.fz", cut)).reason()).isEqualTo("truncated");
  }

  @Test
  void damagedTilesAreAReasonNotADeath() throws Exception {
    short[][] rows = {sky()};
    CompressedImageHDU packed =
        CompressedImageHDU.fromImageHDU((ImageHDU) FitsFactory.hduFactory(rows), 900, 1);
    packed.setCompressAlgorithm("RICE_1").setQuantAlgorithm(null);
    packed.compress();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Fits fits = new Fits();
        FitsOutputStream out = new FitsOutputStream(bytes)) {
      fits.addHDU(packed);
      fits.write(out);
    }
    byte[] whole = bytes.toByteArray();
    String path = file("whole.fits.fz", whole);
    assertThat(reader.read(path, 1).pixels()).isEqualTo(floats(sky()));
    Random random = new Random(5);
    int unreadable = 0;
    for (int trial = 0; trial < 200; trial++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i < 8; i++) { // anywhere behind the primary: header, descriptors, tiles
        damaged[2880 + random.nextInt(damaged.length - 2880)] = (byte) random.nextInt(256);
      }
      ImageRejected why = refusal(file("damaged.fits.fz", damaged));
      if (why != null) {
        unreadable++;
        assertThat(why.reason()).isIn("unreadable", "truncated", "no image", "unsupported");
        assertThat(why.getMessage()).contains("damaged.fits.fz").doesNotContain("NullPointer");
      }
    }
    assertThat(unreadable).isPositive();
  }

  @Test
  void pixelsAreScaledAndBlankIsNoNumber() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(8);
    data.putShort((short) -32768).putShort((short) 0).putShort((short) 32767).putShort((short) 7);
    String path =
        file(
            "scaled.fits",
            join(
                primary(16, 2, 2, card("BZERO", 32768L), card("BSCALE", 1L), card("BLANK", 7L)),
                filled(data)));
    assertThat(reader.read(path, 0).pixels()).containsExactly(0, 32768, 65535, Float.NaN);
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 16, 32, 64, -32, -64})
  void everyKindOfPixelIsRead(int bitpix) throws IOException {
    int unit = Math.abs(bitpix) / 8;
    ByteBuffer data = ByteBuffer.allocate(3 * unit);
    for (int value : new int[] {0, 200, 77}) {
      switch (bitpix) {
        case 8 -> data.put((byte) value);
        case 16 -> data.putShort((short) value);
        case 32 -> data.putInt(value);
        case 64 -> data.putLong(value);
        case -32 -> data.putFloat(value);
        default -> data.putDouble(value);
      }
    }
    String path = file("kind.fits", join(primary(bitpix, 3, 1, card("BSCALE", 0.5)), filled(data)));
    assertThat(reader.read(path, 0).pixels()).containsExactly(0, 100, 38.5f);
  }

  @Test
  void anExtensionSeesThePrimarysKeywordsButNotItsLayoutNorHalfAWcs() throws IOException {
    byte[] primary =
        header(
            card("SIMPLE", true),
            card("BITPIX", 16),
            card("NAXIS", 0),
            card("BZERO", 32768.0),
            card("FILTER", "g"),
            card("EXPTIME", 30L),
            card("CRVAL1", 10.0),
            card("CROTA2", 45.0));
    byte[] first =
        header(
            card("XTENSION", "IMAGE"),
            card("BITPIX", -32),
            card("NAXIS", 3),
            card("NAXIS1", 2),
            card("NAXIS2", 1),
            card("NAXIS3", 1),
            card("PCOUNT", 0),
            card("GCOUNT", 1),
            card("EXTNAME", "CCD1"),
            card("EXPTIME", 29.5),
            card("CRVAL1", 11.0));
    byte[] pixels = filled(ByteBuffer.allocate(8).putFloat(1.5f).putFloat(2.5f));
    byte[] second =
        new String(first, StandardCharsets.US_ASCII)
            .replace("CCD1", "CCD2")
            .getBytes(StandardCharsets.US_ASCII);
    String path = file("mosaic.fits", join(primary, first, pixels, second, pixels));
    List<ImageHdu> images = reader.scan(path);
    assertThat(images).extracting(ImageHdu::hdu).containsExactly(1, 2);
    FitsHeader header = images.get(1).header();
    assertThat(header.text("EXTNAME")).hasValue("CCD2");
    assertThat(header.text("FILTER")).hasValue("g");
    assertThat(header.number("EXPTIME")).hasValue(29.5);
    assertThat(header.number("CRVAL1")).hasValue(11);
    assertThat(header.has("CROTA2")).isFalse();
    assertThat(header.has("BZERO")).isFalse();
    assertThat(reader.read(path, 2).pixels()).containsExactly(1.5f, 2.5f);
    assertThat(reader.readNamed(path, "CCD2").header().text("EXTNAME")).hasValue("CCD2");
    assertThatThrownBy(() -> reader.readNamed(path, "CCD9")).hasMessageContaining("CCD9");
    assertThatThrownBy(() -> reader.read(path, 3)).hasMessageContaining("HDU 3");
  }

  @Test
  void longAndLongNamedKeywordsAreRead() throws IOException {
    String text = "it's a long story, ".repeat(9).strip();
    String path =
        file(
            "cards.fits",
            join(
                primary(
                    8,
                    1,
                    1,
                    card("COMMENTS", text),
                    card("ESO DET OUT1 GAIN", 1.5),
                    "%-80s".formatted("HIERARCH eso.tel.airm = 1.2 / dots"),
                    "%-80s".formatted("FLUX    = 1.5D-3 / Fortran"),
                    "%-80s".formatted("FLUX    = 9.9 / given twice"),
                    "%-80s".formatted("UT      = 12:34:56 / without quotes"),
                    "%-80s".formatted("NOTHING =")),
                new byte[2880]));
    FitsHeader header = reader.scan(path).get(0).header();
    assertThat(header.text("COMMENTS")).hasValue(text);
    assertThat(header.number("ESO DET OUT1 GAIN")).hasValue(1.5);
    assertThat(header.number("ESO TEL AIRM")).hasValue(1.2);
    assertThat(header.number("FLUX")).hasValue(1.5e-3);
    assertThat(header.text("UT")).hasValue("12:34:56");
    assertThat(header.has("NOTHING")).isFalse();
  }

  @Test
  void aFrameCutInItsPixelsIsTruncatedNotZero() throws IOException {
    byte[] whole = plainFrame();
    String path = file("cut.fits", Arrays.copyOf(whole, 2880 + WIDTH * HEIGHT));
    assertThat(reader.scan(path)).hasSize(1);
    assertThatThrownBy(() -> reader.read(path, 0))
        .isInstanceOf(ImageRejected.class)
        .hasMessageStartingWith("truncated: ")
        .hasMessageContaining("cut.fits, HDU 0")
        .hasMessageContaining("expected 12600 bytes");
    // Only the filling of the last block is missing here: no pixel is.
    String whole2 = file("filling.fits", Arrays.copyOf(whole, 2880 + 2 * WIDTH * HEIGHT));
    assertThat(reader.read(whole2, 0).pixels()).isEqualTo(floats(sky()));
    assertThat(refusal(file("header.fits", Arrays.copyOf(whole, 1000))).reason())
        .isEqualTo("truncated");
  }

  @Test
  void whatFollowsTheLastExtensionDoesNotMatter() throws IOException {
    String path = file("tail.fits", join(plainFrame(), new byte[5000]));
    assertThat(reader.scan(path)).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "2000000000, 1, unsupported, 2000000000 x 1 pixels announced",
    "2000000000, 2000000000, unsupported, 2000000000 x 2000000000 pixels announced",
    "9000000000000000000, 9000000000000000000, unsupported, announce more than 2^63 bytes",
    "777777701, 0, no image, 777777701 x 0 pixels",
    "16000, 16000, truncated, expected 512000000 bytes",
    "-5, 3, unreadable, NAXIS1 is -5"
  })
  void anAbsurdSizeIsRefusedBeforeMemoryIsAskedFor(
      long width, long height, String reason, String detail) throws IOException {
    byte[] bytes = join(primary(16, width, height), new byte[2880]);
    ImageRejected why = refusal(file("absurd.fits", bytes));
    assertThat(why.reason()).isEqualTo(reason);
    assertThat(why).hasMessageContaining("absurd.fits, HDU 0").hasMessageContaining(detail);

    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    assertThat(refusal(file("absurd.fits.gz", packed.toByteArray())).reason()).isEqualTo(reason);
  }

  @Test
  void cubesAndStrangeFilesAreRefusedInWords() throws IOException {
    byte[] cube =
        header(
            card("SIMPLE", true),
            card("BITPIX", 8),
            card("NAXIS", 3),
            card("NAXIS1", 2),
            card("NAXIS2", 2),
            card("NAXIS3", 5));
    ImageRejected why = refusal(file("cube.fits", join(cube, new byte[2880])));
    assertThat(why.reason()).isEqualTo("unsupported");
    assertThat(why).hasMessageContaining("a cube of 2 x 2 x 5 pixels");

    assertThat(refusal(file("empty.fits", new byte[0])))
        .hasMessageStartingWith("unreadable: ")
        .hasMessageContaining("nothing (no byte)");
    assertThat(refusal(file("page.fits", "<html>404</html>".getBytes(StandardCharsets.US_ASCII))))
        .hasMessageStartingWith("unreadable: ")
        .hasMessageContaining("\"<html>404</html>\"");
    assertThat(refusal(folder.resolve("absent.fits").toString()))
        .hasMessageStartingWith("unreadable: ")
        .hasMessageContaining("no such file");
    assertThat(refusal(folder.toString()).reason()).isEqualTo("unreadable");
    byte[] broken = join(primary(16, 5, 5), new byte[2880]);
    System.arraycopy("BITPIX  =                   17".getBytes(), 0, broken, 80, 30);
    assertThat(refusal(file("bitpix.fits", broken)))
        .hasMessageStartingWith("unreadable: ")
        .hasMessageContaining("BITPIX is 17, expected 8, 16, 32, 64, -32 or -64");
  }

  @Test
  void aCalibratedImageKeepsItsPlaceOnTheSky() throws IOException {
    FitsHeader source =
        new FitsHeader(
            java.util.Map.of(
                "CTYPE1",
                "RA---TAN",
                "CRPIX1",
                100.5,
                "CRPIX2",
                50L,
                "FILTER",
                "r",
                "NAXIS1",
                9L,
                "BZERO",
                32768.0,
                "DATASEC",
                "[1:2,1:1]"));
    float[] science = {1.5f, -2};
    float[] variance = {100, 101};
    short[] mask = {0, 2};
    String path = folder.resolve("new/calibrated.fits").toString();
    new FitsWriter(new Configuration())
        .writeCalibrated(
            path,
            source,
            new org.starmill.image.Image(science, variance, mask, null, 2, 1, 10),
            24,
            3);
    assertThat(reader.scan(path))
        .extracting(image -> image.header().text("EXTNAME").orElseThrow())
        .containsExactly("SCI", "VAR", "MASK");
    FitsImage read = reader.readNamed(path, "SCI");
    assertThat(read.pixels()).isEqualTo(science);
    assertThat(read.header().number("CRPIX1")).hasValue(76.5);
    assertThat(read.header().number("CRPIX2")).hasValue(47);
    assertThat(read.header().text("FILTER")).hasValue("r");
    assertThat(read.header().has("BZERO")).isFalse();
    assertThat(read.header().has("DATASEC")).isFalse();
    assertThat(reader.readNamed(path, "VAR").pixels()).isEqualTo(variance);
    assertThat(reader.readNamed(path, "MASK").pixels()).containsExactly(0, 2);
    assertThat(reader.scan(path).get(2).header().number("BITPIX")).hasValue(16);
  }

  @Test
  void aMasterReplacesAnOlderOneAndLeavesNothingBeside() throws IOException {
    FitsWriter writer = new FitsWriter(new Configuration());
    Path path = folder.resolve("bias.fits");
    float[] level = new float[100_000];
    for (int run = 1; run <= 2; run++) {
      Arrays.fill(level, run);
      writer.write(
          path.toString(),
          java.util.Map.of("NCOMBINE", run),
          List.of(
              new FitsExtension("LEVEL", level, 1000, 100),
              new FitsExtension("COUNT", new short[100_000], 1000, 100)));
    }
    FitsImage read = reader.readNamed(path.toString(), "LEVEL");
    assertThat(read.pixels()).isEqualTo(level);
    assertThat(read.header().number("NCOMBINE")).hasValue(2);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
    assertThat(Files.size(path) % 2880).isZero();
  }

  @Test
  void whatIsAddedToAHeaderTwiceStandsInItOnceAndThePixelsAndTheTableStay() throws Exception {
    FitsWriter writer = new FitsWriter(new Configuration());
    String path = folder.resolve("bias.fits").toString();
    float[] level = {1, 2, 3, 4, 5, 6};
    writer.write(
        path,
        java.util.Map.of("NFRAMES", new FitsValue(3, "frames used")),
        List.of(
            new FitsExtension("LEVEL", level, 3, 2),
            new FitsTable(
                "FRAMES",
                List.of(
                    new FitsTable.Column("PATH", null, List.of("a.fits", "a longer one.fits")),
                    new FitsTable.Column("LEVEL", "adu", List.of(1.5, Double.NaN)),
                    new FitsTable.Column("USED", null, List.of(true, false)),
                    new FitsTable.Column("CLIPPED", "pix", List.of(7L, 0L))))));
    String warning = "a bias that jumped ".repeat(20).strip();
    for (double change : new double[] {1, 2}) {
      writer.addToPrimary(
          path, java.util.Map.of("CHGLEVEL", new FitsValue(change, "[adu]"), "WARNING", warning));
    }
    FitsImage read = reader.readNamed(path, "LEVEL");
    assertThat(read.pixels()).isEqualTo(level);
    assertThat(read.header().number("CHGLEVEL")).hasValue(2);
    try (nom.tam.fits.Fits fits = new nom.tam.fits.Fits(path)) {
      nom.tam.fits.Header header = fits.getHDU(0).getHeader();
      assertThat(header.getStringValue("WARNING")).isEqualTo(warning);
      assertThat(header.findCard("NFRAMES").getComment()).isEqualTo("frames used");
      assertThat(header.getNumberOfPhysicalCards()).as("no card twice").isLessThan(16);
      nom.tam.fits.BinaryTableHDU frames = (nom.tam.fits.BinaryTableHDU) fits.getHDU(2);
      assertThat((String[]) frames.getColumn("PATH"))
          .containsExactly("a.fits", "a longer one.fits");
      assertThat((long[]) frames.getColumn("CLIPPED")).containsExactly(7, 0);
      assertThat((double[]) frames.getColumn("LEVEL")).containsExactly(1.5, Double.NaN);
    }
  }

  @Test
  void aValueWithoutAFormInFitsLeavesNothingBehind() throws IOException {
    FitsWriter writer = new FitsWriter(new Configuration());
    assertThatThrownBy(
            () ->
                writer.write(
                    folder.resolve("bad.fits").toString(),
                    java.util.Map.of("GAIN", Double.NaN),
                    List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("GAIN");
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }
}
