package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nom.tam.fits.BinaryTableHDU;
import nom.tam.fits.Fits;
import nom.tam.fits.FitsException;
import nom.tam.fits.Header;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.catalog.ExposureRow;

/** Masters say what they are made of and how they have changed, and stay where nothing has. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MasterProductsTest {
  @TempDir static Path folder;
  private static SeveralNights nights;
  private static Path input;
  private static Path output;
  private static final List<String> WARNED = new ArrayList<>();

  private static final class Hearing implements CampaignProgress {
    @Override
    public void stage(String what) {}

    @Override
    public void warning(String what) {
      WARNED.add(what);
    }

    @Override
    public void begin(long images, long before) {}

    @Override
    public void image(ExposureRow row) {}

    @Override
    public void done(long images) {}

    @Override
    public void end() {}
  }

  private static void run(String... settings) {
    WARNED.clear();
    new CampaignRun(SmallNight.spark(), SmallNight.request(input, output, settings), new Hearing())
        .run();
  }

  private static Row master(String kind, String night) {
    return masters("kind = '%s' and night = '%s'".formatted(kind, night)).get(0);
  }

  private static List<Row> masters(String condition) {
    return SmallNight.spark()
        .read()
        .parquet(output.resolve("masters/masters.parquet").toString())
        .filter(condition)
        .orderBy("kind", "night", "n_frames")
        .collectAsList();
  }

  private static Fits file(Row master) throws FitsException {
    return new Fits(Path.of(java.net.URI.create(master.getAs("path"))).toFile());
  }

  /** Every file of a master: its last change and what it holds. */
  private static Map<String, Object> files() throws IOException {
    Map<String, Object> files = new TreeMap<>();
    for (Path file : SmallNight.filesBelow(output.resolve("masters"))) {
      files.put(
          file.getFileName().toString(),
          List.of(
              Files.getLastModifiedTime(file),
              java.util.Arrays.hashCode(Files.readAllBytes(file))));
    }
    return files;
  }

  @BeforeAll
  static void firstNight() throws IOException {
    nights = new SeveralNights(folder.resolve("simulated"));
    input = folder.resolve("input");
    output = folder.resolve("catalog");
    nights.write(input.resolve("night 1"), 1, 0);
    // A flat that is no flat.
    byte[] dark = Files.readAllBytes(input.resolve("night 1/bias_0001.fits"));
    String text = new String(dark, 0, 2880, java.nio.charset.StandardCharsets.ISO_8859_1);
    text = text.replace("IMAGETYP= 'bias    '", "IMAGETYP= 'flat    '");
    text =
        text.replaceFirst("OBJECT  = 'bias    ' {20}", "FILTER  = 'g       '                    ");
    System.arraycopy(text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1), 0, dark, 0, 2880);
    Files.write(input.resolve("night 1/flat_g_dark.fits"), dark);
    run();
  }

  @Test
  @Order(1)
  void aMasterSaysOfWhichFramesItIsMade() throws Exception {
    Row flat = master("flat", SeveralNights.FIRST);
    try (Fits fits = file(flat)) {
      Header header = fits.getHDU(0).getHeader();
      assertThat(header.getIntValue("NFRAMES")).isEqualTo(3);
      assertThat(header.getIntValue("NREJECT")).isEqualTo(1);
      assertThat(header.getStringValue("REJWY001")).startsWith("too faint: ");
      assertThat(fits.getHDU(1).getHeader().getStringValue("EXTNAME")).isEqualTo("LEVEL");
      BinaryTableHDU frames = (BinaryTableHDU) fits.getHDU(4);
      assertThat(frames.getHeader().getStringValue("EXTNAME")).isEqualTo("FRAMES");
      assertThat(frames.getNRows()).isEqualTo(4);
      assertThat((String[]) frames.getColumn("PATH"))
          .allMatch(path -> path.startsWith("file:") && path.endsWith(".fits"))
          .anyMatch(path -> path.endsWith("flat_g_dark.fits"));
      assertThat((boolean[]) frames.getColumn("USED")).containsExactly(true, true, true, false);
      assertThat(((String[]) frames.getColumn("REASON"))[3]).startsWith("too faint: ");
      assertThat(((double[]) frames.getColumn("LEVEL"))[0]).isGreaterThan(1000);
      assertThat(((double[]) frames.getColumn("MJD"))[0]).isBetween(61_085.0, 61_086.0);
      long[] clipped = (long[]) frames.getColumn("CLIPPED");
      assertThat(header.getLongValue("NCLIPPED")).isEqualTo(java.util.Arrays.stream(clipped).sum());
      short[][] used = (short[][]) fits.getHDU(3).getKernel();
      long kept = 0;
      for (short[] row : used) {
        for (short frame : row) {
          kept += frame;
        }
      }
      // Neither saturated nor missing: what is not in the mean was clipped.
      assertThat(header.getLongValue("NCLIPPED")).isEqualTo(3L * 320 * 300 - kept);
    }
    assertThat(flat.<Integer>getAs("n_frames")).isEqualTo(3);
    assertThat(flat.<Integer>getAs("n_rejected")).isEqualTo(1);
    assertThat(flat.<String>getList(flat.fieldIndex("frame_files"))).hasSize(3);
    assertThat(flat.<String>getList(flat.fieldIndex("rejected_files")).get(0))
        .endsWith("flat_g_dark.fits");
    assertThat(flat.<Long>getList(flat.fieldIndex("frame_clipped"))).hasSize(3);
  }

  @Test
  @Order(2)
  void aMasterSaysOfWhenItIsAndWhenItWasBuiltAndHowNoisyItIs() throws Exception {
    Row bias = master("bias", SeveralNights.FIRST);
    double readNoise = Math.hypot(10 / 6.2, Math.sqrt(1 / 12.0));
    assertThat(bias.<Double>getAs("read_noise")).isCloseTo(readNoise, within(0.05));
    assertThat(bias.<Double>getAs("noise"))
        .isCloseTo(readNoise / Math.sqrt(3), within(0.05 * readNoise));
    assertThat(bias.<Double>getAs("level")).isCloseTo(0, within(2.0));
    assertThat(Instant.parse(bias.<String>getAs("built"))).isBefore(Instant.now());
    assertThat(bias.<Double>getAs("mjd_mean"))
        .isBetween(bias.<Double>getAs("mjd_first"), bias.<Double>getAs("mjd_last"));
    try (Fits fits = file(bias)) {
      Header header = fits.getHDU(0).getHeader();
      assertThat(header.getStringValue("DATE-OBS")).isEqualTo("2026-02-14T00:00:00.000");
      assertThat(header.getDoubleValue("MJD-OBS")).isEqualTo(61_085.0);
      assertThat(header.getStringValue("DATE-END")).isEqualTo("2026-02-14T00:00:20.000");
      assertThat(header.getDoubleValue("MJD-AVG")).isEqualTo(61_085 + 10 / 86_400.0, within(1e-9));
      assertThat(header.getStringValue("DATE"))
          .isEqualTo(bias.<String>getAs("built").replace("Z", ""));
      assertThat(header.getDoubleValue("MEDNOISE")).isEqualTo(bias.<Double>getAs("noise"));
      assertThat(header.containsKey("PREVID")).isFalse();
    }
    Row flat = master("flat", SeveralNights.FIRST);
    assertThat(flat.isNullAt(flat.fieldIndex("read_noise"))).isTrue();
    assertThat(flat.<Double>getAs("level")).isCloseTo(1, within(1e-3));
    assertThat(flat.<Double>getAs("noise")).isBetween(5e-4, 5e-3);
    assertThat(flat.isNullAt(flat.fieldIndex("previous_master_id"))).isTrue();
  }

  @Test
  @Order(3)
  void mastersWhoseFramesAreTheSameAreNotTouched() throws IOException {
    Map<String, Object> before = files();
    run();
    assertThat(files()).isEqualTo(before);
    // What is warned of changes no master and no catalog.
    run("masters.warn-bias-level=0.001");
    assertThat(files()).isEqualTo(before);
    assertThat(WARNED).isEmpty();
  }

  @Test
  @Order(4)
  void aNightOfTheSameSensorIsComparedAndNothingIsSaid() throws Exception {
    Map<String, Object> before = files();
    nights.write(input.resolve("night 2"), 2, 0);
    run();
    assertThat(WARNED).isEmpty();
    for (String kind : List.of("bias", "flat")) {
      Row now = master(kind, SeveralNights.SECOND);
      Row earlier = master(kind, SeveralNights.FIRST);
      assertThat(now.<String>getAs("previous_master_id")).isEqualTo(earlier.getAs("master_id"));
      assertThat(now.<String>getAs("previous_night")).isEqualTo(SeveralNights.FIRST);
      assertThat(now.<Double>getAs("change_scatter")).as(kind).isCloseTo(1, within(0.1));
      assertThat(now.<Double>getAs("changed_share")).as(kind).isLessThan(5e-4);
      assertThat(now.<Double>getAs("change_level")).isCloseTo(0, within(0.02));
      assertThat(now.<String>getAs("warning")).isNull();
      try (Fits fits = file(now)) {
        Header header = fits.getHDU(0).getHeader();
        assertThat(header.getStringValue("PREVID")).isEqualTo(earlier.getAs("master_id"));
        assertThat(header.getDoubleValue("CHGSCAT")).isEqualTo(now.<Double>getAs("change_scatter"));
        assertThat(fits.getHDU(4).getHeader().getStringValue("EXTNAME")).isEqualTo("FRAMES");
      }
    }
    Map<String, Object> after = files();
    before.remove("masters.parquet");
    assertThat(after).containsAllEntriesOf(before);
  }

  @Test
  @Order(5)
  void aBiasThatJumpedByTenCountsIsWarnedOf() throws Exception {
    nights.write(input.resolve("night 3"), 3, 10);
    run();
    Row bias = master("bias", SeveralNights.THIRD);
    assertThat(bias.<Double>getAs("change_level")).isCloseTo(10, within(0.05));
    assertThat(WARNED).hasSize(1);
    assertThat(WARNED.get(0))
        .isEqualTo(bias.getAs("warning"))
        .hasLineCount(1)
        .contains("master bias of ccd 1, quadrant 1, " + SeveralNights.THIRD)
        .contains(bias.<String>getAs("path"))
        .contains(master("bias", SeveralNights.SECOND).<String>getAs("path"))
        .containsPattern("level is (10.0|9.9\\d) ADU higher, at most 2.00 may be")
        .contains("masters.warn-bias-level", "look at both");
    try (Fits fits = file(bias)) {
      assertThat(fits.getHDU(0).getHeader().getStringValue("WARNING")).isEqualTo(WARNED.get(0));
    }
    // The flats' light is the same once their bias is off.
    assertThat(master("flat", SeveralNights.THIRD).<String>getAs("warning")).isNull();
    assertThat(SmallNight.exposures(output).filter("status = 'ok'").count()).isEqualTo(3);
    run();
    assertThat(WARNED).as("of masters that are there").isEmpty();
    MastersStatus status =
        CampaignStatus.of(SmallNight.spark(), Campaign.open(output.toString(), hadoop()), 10, true)
            .masters();
    assertThat(status.biases()).isEqualTo(3);
    assertThat(status.warnings()).isEqualTo(1);
    assertThat(status.odd())
        .extracting(MastersStatus.Odd::night)
        .containsExactly(SeveralNights.THIRD);
    assertThat(status.list()).hasSize(6);
  }

  @Test
  @Order(6)
  void aFrameThatIsAddedToANightMakesANewMasterAndTheFormerStays() throws IOException {
    Map<String, Object> before = files();
    nights.copy("bias_0009.fits", Files.createDirectories(input.resolve("late")), 2, 0);
    run();
    List<Row> biases = masters("kind = 'bias' and night = '" + SeveralNights.SECOND + "'");
    assertThat(biases).extracting(row -> row.<Integer>getAs("n_frames")).containsExactly(3, 4);
    assertThat(biases.get(1).<String>getAs("previous_night")).isEqualTo(SeveralNights.FIRST);
    Map<String, Object> after = files();
    before.remove("masters.parquet");
    assertThat(after).containsAllEntriesOf(before);
    // The bias, and the flat that was freed of it.
    assertThat(after).hasSize(before.size() + 1 + 2);
    assertThat(masters("night = '" + SeveralNights.THIRD + "'"))
        .as("compared once, when they were built")
        .extracting(row -> row.<String>getAs("previous_master_id"))
        .contains(biases.get(0).<String>getAs("master_id"));
  }

  private static org.apache.hadoop.conf.Configuration hadoop() {
    return SmallNight.spark().sparkContext().hadoopConfiguration();
  }
}
