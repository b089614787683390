package org.starmill.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.SharedFolder;
import org.starmill.image.ImageRejected;
import org.starmill.wcs.Wcs;

/** Real and odd files of observatories and of other FITS readers' tests. */
class OddFilesTest {
  private static Path data;

  private final FrameReader reader = new FrameReader(new Configuration());

  @BeforeAll
  static void findData() {
    data = SharedFolder.data("");
  }

  private static String odd(String name) {
    return data.resolve("odd-fits").resolve(name).toString();
  }

  private static double sum(FitsImage image) {
    double sum = 0;
    for (float pixel : image.pixels()) {
      sum += pixel;
    }
    return sum;
  }

  @Test
  void everyOddFileGivesImagesOrAReason() throws IOException {
    Map<String, String> reasons = new HashMap<>();
    int files = 0;
    int images = 0;
    try (Stream<Path> paths = Files.list(data.resolve("odd-fits"))) {
      for (Path path : paths.filter(file -> !file.toString().endsWith(".txt")).toList()) {
        files++;
        String name = path.getFileName().toString();
        try {
          for (ImageHdu image : reader.scan(path.toString())) {
            FitsImage read = reader.read(path.toString(), image.hdu());
            assertThat(read.pixels()).hasSize(image.width() * image.height());
            images++;
          }
        } catch (ImageRejected why) {
          reasons.put(name, why.reason());
          assertThat(why.getMessage()).contains(path.toString()).contains("found");
        }
      }
    }
    assertThat(files).isEqualTo(43);
    assertThat(images).isEqualTo(40);
    assertThat(reasons)
        .containsOnly(
            Map.entry("astropy_random_groups.fits", "unsupported"),
            Map.entry("astropy_compressed_float_bzero.fits", "no image"),
            Map.entry("astropy_theap-gap.fits", "no image"),
            Map.entry("astropy_variable_length_table.fits", "no image"),
            Map.entry("astropy_verify.fits", "no image"),
            Map.entry("astropy_zerowidth.fits", "no image"),
            Map.entry("blackbox_16913-1.fits", "no image"),
            Map.entry("blackbox_varlen-bintable.fits", "no image"),
            Map.entry("ntf_bt12.fits.fz", "no image"),
            Map.entry("ntf_issue49test.fits", "no image"),
            Map.entry("ntf_test_i10.fits", "no image"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "hcomp", "plio", "rice"})
  void aGlobularClusterLooksTheSameUnderEveryCoder(String coder) {
    float[] plain = reader.read(odd("ntf_m13.fits"), 0).pixels();
    assertThat(reader.read(odd("ntf_m13_" + coder + ".fits"), 1).pixels()).isEqualTo(plain);
  }

  @Test
  void quantisedPixelsAreOffByHalfAQuantumAtMostAndByNothingOnAverage() {
    float[] plain = reader.read(odd("ntf_m13real.fits"), 0).pixels();
    float[] rice = reader.read(odd("ntf_m13real_rice.fits"), 1).pixels();
    double mean = 0;
    double worst = 0;
    for (int i = 0; i < plain.length; i++) {
      mean += (rice[i] - plain[i]) / plain.length;
      worst = Math.max(worst, Math.abs(rice[i] - plain[i]));
    }
    assertThat(mean).isCloseTo(0, within(0.002)); // half a quantum here is 0.1
    assertThat(worst).isLessThan(0.4);

    float[] twin = reader.read(odd("fitsio_test_rice_dither2_seed42.fits"), 0).pixels();
    float[] dithered = reader.read(odd("fitsio_test_rice_dither2_seed42.fits.fz"), 1).pixels();
    for (int i = 0; i < twin.length; i++) {
      assertThat(dithered[i]).isCloseTo(twin[i], within(1e-6f));
    }
    float[] packed = reader.read(odd("blackbox_fpack.fits.fz"), 1).pixels();
    assertThat(packed).isEqualTo(reader.read(odd("blackbox_funpack.fits"), 0).pixels());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gz", "bz2", "Z"})
  void aWrapperChangesNothing(String wrapper) {
    assertThat(reader.read(odd("ntf_test.fits." + wrapper), 0).pixels())
        .isEqualTo(reader.read(odd("ntf_test.fits"), 0).pixels());
  }

  @Test
  void staleChecksumsAreNoReasonToRefuseAFrame() {
    assertThat(reader.read(odd("astropy_checksum_false.fits"), 0).pixels())
        .isEqualTo(reader.read(odd("astropy_checksum.fits"), 0).pixels());
  }

  @Test
  void scaledAndBlankPixelsAreWhatOtherReadersSee() {
    assertThat(sum(reader.read(odd("astropy_scale.fits"), 0))).isCloseTo(223202.765, within(0.01));
    assertThat(sum(reader.read(odd("astropy_fixed-1890.fits"), 0))).isEqualTo(18900000);
    assertThat(reader.read(odd("astropy_blank.fits"), 0).pixels()).containsExactly(Float.NaN);
  }

  // Sums as astropy 8.0.1 reads them.
  @ParameterizedTest
  @CsvSource({"1, IMAGE, 261491.509", "2, MASK, 6.27224659e10", "3, WEIGHT, 339933.711"})
  void aDarkEnergyCameraImageComesWithItsMaskAndWeight(int hdu, String name, double expected) {
    String path = data.resolve("decam-des-fz/DECam_00149774_40_DESX0332-2742.fits.fz").toString();
    List<ImageHdu> images = reader.scan(path);
    assertThat(images).hasSize(3);
    assertThat(images.get(hdu - 1).header().text("DES_EXT")).hasValue(name);
    FitsImage image = reader.read(path, hdu);
    assertThat(image.width()).isEqualTo(960);
    assertThat(image.height()).isEqualTo(2004);
    assertThat(sum(image) / expected).isCloseTo(1, within(1e-8));
  }

  @Test
  void aPackedFrameWithSipIsReadAndPlacedOnTheSky() {
    String path = data.resolve("panoptes/solved.fits.fz").toString();
    FitsImage image = reader.read(path, reader.scan(path).get(0).hdu());
    assertThat(sum(image)).isCloseTo(1.0960402e9, within(10.0));
    assertThat(image.pixels()[0]).isBetween(0f, 65535f);
    double[] x = {0, 350, 699};
    double[] y = {0, 350, 10};
    double[] ra = new double[3];
    double[] dec = new double[3];
    double[] backX = new double[3];
    double[] backY = new double[3];
    Wcs wcs = Wcs.of(image.header());
    wcs.pixelToSky(x, y, ra, dec);
    wcs.skyToPixel(ra, dec, backX, backY);
    for (int i = 0; i < 3; i++) {
      assertThat(backX[i]).isCloseTo(x[i], within(1e-6));
      assertThat(backY[i]).isCloseTo(y[i], within(1e-6));
    }
  }

  @Test
  void theGaiaStarsOfADecamCutFallOnTheirPixels() {
    String base =
        "decam-legacypipe/testcase4__images__decam__CP__V4.8.2__CP20170315__c4d_170316_062107_ooi";
    String path = data.resolve(base + "_z_ls9.N2.fits").toString();
    FitsImage image = reader.read(path, 1);
    Wcs wcs = Wcs.of(image.header());
    assertThat(wcs.pixelScale() * 3600).isCloseTo(0.2626, within(0.001));
    // Three stars of Gaia DR2; pixels by astropy 8.0.1.
    double[] ra = {186.7354855788387, 186.73605836107484, 186.73613501571577};
    double[] dec = {25.46478316675693, 25.457405104730817, 25.46118149665599};
    double[] x = new double[3];
    double[] y = new double[3];
    wcs.skyToPixel(ra, dec, x, y);
    assertThat(x)
        .containsExactly(new double[] {77.98030274, 178.76959409, 127.19304856}, within(1e-6));
    assertThat(y)
        .containsExactly(new double[] {20.51981852, 27.30864046, 28.40569779}, within(1e-6));
    for (int i = 0; i < 3; i++) {
      float centre = image.pixels()[(int) Math.rint(y[i]) * image.width() + (int) Math.rint(x[i])];
      assertThat(centre).as("star %d stands above the sky", i).isGreaterThan(3400);
    }
  }
}
