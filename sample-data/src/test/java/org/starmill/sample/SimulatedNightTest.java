package org.starmill.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nom.tam.fits.BasicHDU;
import nom.tam.fits.Fits;
import nom.tam.fits.Header;
import nom.tam.fits.ImageHDU;
import nom.tam.image.compression.hdu.CompressedImageHDU;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulatedNightTest {
  private static final CameraSettings CAMERA =
      CameraSettings.ztfLike().withSize(200, 160).withStars(40);

  @TempDir Path folder;

  private Path night(String name, SimulationSettings settings) throws IOException {
    Path out = folder.resolve(name);
    Simulation.write(out, settings, (file, done, total) -> {});
    return out;
  }

  private static List<Object> pixelsAndHeaders(Path file) throws Exception {
    List<Object> images = new ArrayList<>();
    try (Fits fits = new Fits(file.toFile())) {
      for (BasicHDU<?> hdu : fits.read()) {
        if (hdu instanceof CompressedImageHDU compressed) {
          images.add(compressed.asImageHDU().getKernel());
        } else if (hdu instanceof ImageHDU && hdu.getAxes() != null && hdu.getAxes().length == 2) {
          images.add(hdu.getKernel());
        }
      }
    }
    return images;
  }

  private static Header header(Path file, int hdu) throws Exception {
    try (Fits fits = new Fits(file.toFile())) {
      BasicHDU<?> found = fits.getHDU(hdu);
      return found instanceof CompressedImageHDU compressed
          ? compressed.getImageHeader()
          : found.getHeader();
    }
  }

  /** Reads Groups from a local file without Hadoop's configuration. */
  private static final class Rows extends ParquetReader.Builder<Group> {
    private Rows(InputFile file) {
      super(file, new PlainParquetConfiguration());
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
      return new GroupReadSupport();
    }
  }

  private static List<Group> truth(Path file) throws IOException {
    List<Group> rows = new ArrayList<>();
    try (ParquetReader<Group> reader = new Rows(new LocalInputFile(file)).build()) {
      for (Group row = reader.read(); row != null; row = reader.read()) {
        rows.add(row);
      }
    }
    return rows;
  }

  @Test
  void aNightIsBiasFramesFlatsAndScienceFramesWithTheirTruth() throws Exception {
    List<String> heard = new ArrayList<>();
    Path out = folder.resolve("night");
    List<Path> files =
        Simulation.write(
            out,
            SimulationSettings.of(CAMERA, 2).withCalibrations(2, 1),
            (file, done, total) -> heard.add(file.getFileName() + " " + done + "/" + total));
    assertThat(heard)
        .containsExactly(
            "bias_0001.fits 1/5",
            "bias_0002.fits 2/5",
            "flat_g_0001.fits 3/5",
            "sci_000001_g.fits 4/5",
            "sci_000002_g.fits 5/5");
    assertThat(files).hasSize(5).allMatch(Files::exists);
    try (Stream<Path> all = Files.walk(out)) {
      assertThat(all.filter(Files::isRegularFile).map(p -> out.relativize(p).toString()))
          .containsExactlyInAnyOrder(
              "bias_0001.fits",
              "bias_0002.fits",
              "flat_g_0001.fits",
              "sci_000001_g.fits",
              "sci_000002_g.fits",
              "truth/sci_000001_g.parquet",
              "truth/sci_000002_g.parquet");
    }
    assertThat(header(files.get(0), 0).getStringValue("IMAGETYP")).isEqualTo("bias");
    assertThat(header(files.get(2), 0).getStringValue("IMAGETYP")).isEqualTo("flat");
    Header science = header(files.get(3), 0);
    assertThat(science.getStringValue("IMAGETYP")).isEqualTo("object");
    assertThat(science.getStringValue("DATASEC")).isEqualTo("[1:200,1:160]");
    assertThat(science.getStringValue("BIASSEC")).isEqualTo("[201:230,1:160]");
    assertThat(science.getDoubleValue("GAIN")).isEqualTo(6.2);
    assertThat(science.getStringValue("FILTER")).isEqualTo("g");
    assertThat(science.getStringValue("DATE-OBS")).isEqualTo("2026-02-14T03:00:00.000");
    assertThat(science.getDoubleValue("MJD-OBS")).isEqualTo(61_085.125);
  }

  @Test
  void theFileHoldsTheFrameOfTheSameNumber() throws Exception {
    Path out = night("night", SimulationSettings.of(CAMERA, 2).withCalibrations(0, 0));
    SimulatedFrame frame = new SimulatedCamera(CAMERA).science(2).frame();
    short[][] pixels = (short[][]) pixelsAndHeaders(out.resolve("sci_000002_g.fits")).get(0);
    for (int y = 0; y < frame.height(); y++) {
      for (int x = 0; x < frame.columns(); x++) {
        assertThat(pixels[y][x] + 32_768).isEqualTo((int) frame.at(x, y));
      }
    }
  }

  @Test
  void aCompressedFrameDecodesToIdenticalPixels() throws Exception {
    SimulationSettings settings = SimulationSettings.of(CAMERA, 1).withCalibrations(1, 1);
    Path plain = night("plain", settings);
    Path rice = night("rice", settings.withRice(true));
    for (String name : List.of("bias_0001.fits", "flat_g_0001.fits", "sci_000001_g.fits")) {
      assertThat(pixelsAndHeaders(rice.resolve(name + ".fz")))
          .hasSize(1)
          .usingRecursiveComparison()
          .isEqualTo(pixelsAndHeaders(plain.resolve(name)));
      assertThat(Files.size(rice.resolve(name + ".fz")))
          .isLessThan(Files.size(plain.resolve(name)));
    }
    Path science = rice.resolve("sci_000001_g.fits.fz");
    assertThat(header(science, 1).getStringValue("CTYPE1")).isEqualTo("RA---TPV");
    assertThat(header(science, 1).getDoubleValue("BZERO")).isEqualTo(32_768);
    assertThat(truth(rice.resolve("truth/sci_000001_g.parquet")))
        .allMatch(row -> row.getInteger("hdu", 0) == 1);
  }

  @Test
  void aMosaicHoldsFourQuadrantsEachWithItsOwnStarsAndNoise() throws Exception {
    SimulationSettings settings =
        SimulationSettings.of(CAMERA, 1).withCalibrations(1, 0).withMosaic(true);
    Path plain = night("plain", settings);
    Path rice = night("rice", settings.withRice(true));
    Path science = plain.resolve("sci_000001_g.fits");
    List<Object> quadrants = pixelsAndHeaders(science);
    assertThat(quadrants).hasSize(4);
    assertThat(quadrants.get(0)).isNotEqualTo(quadrants.get(1));
    assertThat(pixelsAndHeaders(rice.resolve("sci_000001_g.fits.fz")))
        .usingRecursiveComparison()
        .isEqualTo(quadrants);
    assertThat(header(science, 0).getStringValue("IMAGETYP")).isEqualTo("object");
    List<Group> rows = truth(plain.resolve("truth/sci_000001_g.parquet"));
    for (int hdu = 1; hdu <= 4; hdu++) {
      int number = hdu;
      assertThat(header(science, hdu).getIntValue("QUADRANT")).isEqualTo(hdu);
      assertThat(header(science, hdu).getIntValue("AMP_ID")).isEqualTo(hdu - 1);
      assertThat(
              rows.stream()
                  .filter(r -> r.getInteger("hdu", 0) == number && r.getBoolean("inside", 0)))
          .hasSize(40);
    }
  }

  @Test
  void theTruthHoldsTheStarsThatWereDrawn() throws Exception {
    Path out = night("night", SimulationSettings.of(CAMERA, 1).withCalibrations(0, 0));
    List<Group> rows = truth(out.resolve("truth/sci_000001_g.parquet"));
    StarTruth stars = new SimulatedCamera(CAMERA).science(1).stars();
    assertThat(rows).hasSize(stars.count());
    for (int i = 0; i < stars.count(); i++) {
      Group row = rows.get(i);
      assertThat(row.getString("file", 0)).isEqualTo("sci_000001_g.fits");
      assertThat(row.getInteger("hdu", 0)).isZero();
      assertThat(row.getDouble("x", 0)).isEqualTo(stars.x()[i]);
      assertThat(row.getDouble("y", 0)).isEqualTo(stars.y()[i]);
      assertThat(row.getDouble("flux", 0)).isEqualTo(stars.flux()[i]);
      assertThat(row.getDouble("flux_bound", 0)).isEqualTo(stars.fluxBound()[i]);
      assertThat(row.getDouble("mag", 0))
          .isCloseTo(24.2 - 2.5 * Math.log10(stars.flux()[i] / 30), within(1e-9));
    }
  }

  @Test
  void aBrightStarStandsWhereTheTruthSays() throws Exception {
    Path out =
        night(
            "night",
            SimulationSettings.of(
                    CAMERA
                        .withoutBlemishes()
                        .withStars(new CameraSettings.Stars(1, 0.3, 13.3, 13.4, 24.2)),
                    1)
                .withCalibrations(0, 0));
    Group row = truth(out.resolve("truth/sci_000001_g.parquet")).get(0);
    short[][] pixels = (short[][]) pixelsAndHeaders(out.resolve("sci_000001_g.fits")).get(0);
    double x = row.getDouble("x", 0);
    double y = row.getDouble("y", 0);
    double sum = 0;
    double momentX = 0;
    double momentY = 0;
    int column = (int) Math.rint(x);
    int rowNumber = (int) Math.rint(y);
    double sky = pixels[rowNumber - 20][column - 20];
    for (int j = -6; j <= 6; j++) {
      for (int i = -6; i <= 6; i++) {
        double value = pixels[rowNumber + j][column + i] - sky;
        sum += value;
        momentX += value * i;
        momentY += value * j;
      }
    }
    assertThat(row.getBoolean("saturated", 0)).isFalse();
    assertThat(column + momentX / sum).isCloseTo(x, within(0.05));
    assertThat(rowNumber + momentY / sum).isCloseTo(y, within(0.05));
  }

  @Test
  void theHeadersProjectionLeadsToThePositionsOfTheTruth() throws Exception {
    for (boolean mosaic : new boolean[] {false, true}) {
      Path out =
          night(
              "night" + mosaic,
              SimulationSettings.of(CAMERA, 1).withCalibrations(0, 0).withMosaic(mosaic));
      for (Group row : truth(out.resolve("truth/sci_000001_g.parquet"))) {
        Header header = header(out.resolve("sci_000001_g.fits"), row.getInteger("hdu", 0));
        double[] sky = tpv(header, row.getDouble("x", 0) + 1, row.getDouble("y", 0) + 1);
        assertThat(row.getDouble("ra", 0)).isCloseTo(sky[0], within(1e-10));
        assertThat(row.getDouble("dec", 0)).isCloseTo(sky[1], within(1e-10));
      }
    }
  }

  /** TPV with all terms up to the third order, the sphere by rotation of a unit vector. */
  private static double[] tpv(Header header, double px, double py) {
    double dx = px - header.getDoubleValue("CRPIX1");
    double dy = py - header.getDoubleValue("CRPIX2");
    double x = header.getDoubleValue("CD1_1") * dx + header.getDoubleValue("CD1_2") * dy;
    double y = header.getDoubleValue("CD2_1") * dx + header.getDoubleValue("CD2_2") * dy;
    double xi = Math.toRadians(polynomial(header, "PV1_", x, y));
    double eta = Math.toRadians(polynomial(header, "PV2_", y, x));
    double length = Math.sqrt(1 + xi * xi + eta * eta);
    double a = Math.toRadians(header.getDoubleValue("CRVAL1"));
    double d = Math.toRadians(header.getDoubleValue("CRVAL2"));
    double towards = (Math.cos(d) - eta * Math.sin(d)) / length;
    double vx = towards * Math.cos(a) - xi / length * Math.sin(a);
    double vy = towards * Math.sin(a) + xi / length * Math.cos(a);
    double vz = (Math.sin(d) + eta * Math.cos(d)) / length;
    double ra = Math.toDegrees(Math.atan2(vy, vx));
    return new double[] {ra < 0 ? ra + 360 : ra, Math.toDegrees(Math.asin(vz))};
  }

  private static double polynomial(Header header, String name, double u, double v) {
    double r = Math.hypot(u, v);
    double[] terms = {1, u, v, r, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v};
    double sum = 0;
    for (int k = 0; k < terms.length; k++) {
      sum += header.getDoubleValue(name + k, 0) * terms[k];
    }
    return sum;
  }

  @Test
  void theDistortionOfAFullFrameIsOneToTwoPixelsAtTheCorners() {
    CameraSettings full = CameraSettings.ztfLike();
    Pointing pointing = Pointing.of(full, 1, 0);
    double[] middle = pointing.sky(1535.5, 1539.5);
    double[] corner = pointing.sky(0, 0);
    double distance = separation(middle, corner);
    double radius = Math.hypot(1535.5, 1539.5) * full.pixelScale();
    // In the tangent plane, so that only the distortion is left.
    double plane = Math.toDegrees(Math.tan(Math.toRadians(distance))) * 3600;
    assertThat(Math.abs(plane - radius) / full.pixelScale()).isBetween(1.0, 2.0);
  }

  private static double separation(double[] one, double[] other) {
    double d1 = Math.toRadians(one[1]);
    double d2 = Math.toRadians(other[1]);
    double a = Math.pow(Math.sin(0.5 * (d2 - d1)), 2);
    double b = Math.pow(Math.sin(0.5 * Math.toRadians(other[0] - one[0])), 2);
    return 2 * Math.toDegrees(Math.asin(Math.sqrt(a + Math.cos(d1) * Math.cos(d2) * b)));
  }

  @Test
  void equalSeedsGiveEqualFiles() throws Exception {
    SimulationSettings settings = SimulationSettings.of(CAMERA, 1).withCalibrations(1, 0);
    Path one = night("one", settings);
    Path twin = night("twin", settings);
    for (String name :
        List.of("bias_0001.fits", "sci_000001_g.fits", "truth/sci_000001_g.parquet")) {
      assertThat(one.resolve(name)).hasSameBinaryContentAs(twin.resolve(name));
    }
  }

  @Test
  void nothingIsWrittenIntoAFolderThatHoldsSomething() throws Exception {
    Path out = Files.createDirectory(folder.resolve("taken"));
    Files.writeString(out.resolve("notes.txt"), "mine");
    SimulationSettings settings = SimulationSettings.of(CAMERA, 1);
    assertThatThrownBy(() -> Simulation.write(out, settings, (file, done, total) -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "output folder '%s' is not empty (it holds 'notes.txt'): name a new folder or empty this one"
                .formatted(out));
    try (Stream<Path> entries = Files.list(out)) {
      assertThat(entries).containsExactly(out.resolve("notes.txt"));
    }
  }

  @Test
  void aNightWithoutFramesIsRefused() {
    assertThatThrownBy(() -> SimulationSettings.of(CAMERA, 0).withCalibrations(0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one frame");
  }
}
