package org.starmill.wcs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.fits.FitsHeader;

/** The coordinates against wcslib's, and what a header may leave out or get wrong. */
class WcsTest {

  private static List<String> lines(String name) throws IOException {
    try (InputStream in = WcsTest.class.getResourceAsStream("/wcs/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList();
    }
  }

  private static Map<String, Object> cards(String name) throws IOException {
    Map<String, Object> cards = new LinkedHashMap<>();
    for (String line : lines(name + ".hdr")) {
      String value = line.substring(10).strip();
      cards.put(
          line.substring(0, 8).strip(),
          value.startsWith("'") ? value.replace("'", "").strip() : (Object) Double.valueOf(value));
    }
    return cards;
  }

  private static Map<String, Object> tangent() throws IOException {
    return cards("tan");
  }

  private static double[] skyOf(Map<String, Object> cards, double x, double y) {
    double[] ra = new double[1];
    double[] dec = new double[1];
    Wcs.of(new FitsHeader(cards)).pixelToSky(new double[] {x}, new double[] {y}, ra, dec);
    return new double[] {ra[0], dec[0]};
  }

  private static double[] pixelOf(Map<String, Object> cards, double ra, double dec) {
    double[] x = new double[1];
    double[] y = new double[1];
    Wcs.of(new FitsHeader(cards)).skyToPixel(new double[] {ra}, new double[] {dec}, x, y);
    return new double[] {x[0], y[0]};
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tan",
        "tan_cdelt_crota",
        "tan_pc",
        "tan_pole",
        "tan_sip",
        "tan_south_wrap",
        "zpn",
        "ztf_tpv"
      })
  void everyReferencePositionIsReproducedBothWays(String name) throws IOException {
    List<double[]> rows = new ArrayList<>();
    for (String line : lines("reference.csv")) {
      String[] fields = line.split(",");
      if (fields[0].equals(name)) {
        rows.add(
            new double[] {
              Double.parseDouble(fields[1]),
              Double.parseDouble(fields[2]),
              Double.parseDouble(fields[3]),
              Double.parseDouble(fields[4])
            });
      }
    }
    assertThat(rows).hasSize(122);
    double[][] columns = new double[4][rows.size()];
    for (int i = 0; i < rows.size(); i++) {
      for (int c = 0; c < 4; c++) {
        columns[c][i] = rows.get(i)[c];
      }
    }
    Wcs wcs = Wcs.of(new FitsHeader(cards(name)));
    int n = rows.size();
    double[] ra = new double[n];
    double[] dec = new double[n];
    double[] x = new double[n];
    double[] y = new double[n];
    wcs.pixelToSky(columns[0], columns[1], ra, dec);
    wcs.skyToPixel(columns[2], columns[3], x, y);
    for (int i = 0; i < n; i++) {
      double difference = Math.abs(ra[i] - columns[2][i]) % 360;
      difference = Math.min(difference, 360 - difference);
      assertThat(difference * Math.cos(Math.toRadians(dec[i]))).as("ra of %d", i).isLessThan(1e-9);
      assertThat(dec[i]).as("dec of %d", i).isCloseTo(columns[3][i], within(1e-9));
      assertThat(ra[i]).isGreaterThanOrEqualTo(0).isLessThan(360);
      assertThat(x[i]).as("x of %d", i).isCloseTo(columns[0][i], within(1e-6));
      assertThat(y[i]).as("y of %d", i).isCloseTo(columns[1][i], within(1e-6));
    }
  }

  @Test
  void aTrimmedFrameSeesTheSameSky() throws IOException {
    FitsHeader header = new FitsHeader(cards("tan_sip"));
    double[] ra = new double[2];
    double[] dec = new double[2];
    Wcs.of(header).pixelToSky(new double[] {100}, new double[] {250}, ra, dec);
    double[] trimmedRa = new double[1];
    double[] trimmedDec = new double[1];
    Wcs.of(header)
        .shifted(24, 50)
        .pixelToSky(new double[] {76}, new double[] {200}, trimmedRa, trimmedDec);
    assertThat(trimmedRa[0]).isCloseTo(ra[0], within(1e-12));
    assertThat(trimmedDec[0]).isCloseTo(dec[0], within(1e-12));
  }

  @Test
  void thePixelScaleOfAZtfQuadrantIsAboutOneArcsecond() throws IOException {
    assertThat(Wcs.of(new FitsHeader(cards("ztf_tpv"))).pixelScale() * 3600)
        .isCloseTo(1.012, within(0.001));
  }

  @Test
  void tpvTermsUnderTheNameTanAreScampsDistortion() throws IOException {
    Map<String, Object> tpv = cards("ztf_tpv");
    Map<String, Object> scamp = new LinkedHashMap<>(tpv);
    scamp.put("CTYPE1", "RA---TAN");
    scamp.put("CTYPE2", "DEC--TAN");
    assertThat(skyOf(scamp, 10, 3000)).containsExactly(skyOf(tpv, 10, 3000));
  }

  @Test
  void withoutTermsTpvIsPlainTangent() throws IOException {
    Map<String, Object> plain = tangent();
    Map<String, Object> tpv = new LinkedHashMap<>(plain);
    tpv.put("CTYPE1", "RA---TPV");
    tpv.put("CTYPE2", "DEC--TPV");
    assertThat(skyOf(tpv, 3, 2000)).containsExactly(skyOf(plain, 3, 2000));
  }

  @Test
  void aRadialTermStretchesTheFieldAlongTheRadius() throws IOException {
    Map<String, Object> plain = tangent();
    Map<String, Object> radial = new LinkedHashMap<>(plain);
    radial.put("CTYPE1", "RA---TPV");
    radial.put("CTYPE2", "DEC--TPV");
    for (int axis = 1; axis <= 2; axis++) {
      radial.put("PV" + axis + "_1", 1.0);
      radial.put("PV" + axis + "_39", 0.0);
    }
    // x' = x + r on the first axis: twice as far along it, as far along the other one.
    radial.put("PV1_3", 1.0);
    double[] sky = skyOf(radial, 1023.5 - 500, 999.25);
    double[] same = pixelOf(radial, sky[0], sky[1]);
    assertThat(same[0]).isCloseTo(523.5, within(1e-6));
    assertThat(same[1]).isCloseTo(999.25, within(1e-6));
    assertThat(sky).isNotEqualTo(skyOf(plain, 1023.5 - 500, 999.25));
  }

  @Test
  void sipTermsThatAreAbsentAreZeroAndTheSuffixMayBeMissing() throws IOException {
    Map<String, Object> sip = cards("tan_sip");
    Map<String, Object> bare = new LinkedHashMap<>(sip);
    bare.put("CTYPE1", "RA---TAN");
    bare.put("CTYPE2", "DEC--TAN");
    assertThat(skyOf(bare, 5, 7)).containsExactly(skyOf(sip, 5, 7));
    Map<String, Object> onlyOrders = tangent();
    onlyOrders.put("A_ORDER", 2L);
    onlyOrders.put("B_ORDER", 0L);
    assertThat(skyOf(onlyOrders, 5, 7)).containsExactly(skyOf(tangent(), 5, 7));
  }

  @Test
  void aWrongSipInverseInTheHeaderDoesNotHarm() throws IOException {
    Map<String, Object> cards = cards("tan_sip");
    double[] sky = skyOf(cards, 40, 1900);
    cards.put("AP_ORDER", 1L);
    cards.put("BP_ORDER", 1L);
    cards.put("AP_0_0", 3.0);
    cards.put("BP_1_0", 0.01);
    double[] pixel = pixelOf(cards, sky[0], sky[1]);
    assertThat(pixel[0]).isCloseTo(40, within(1e-6));
    assertThat(pixel[1]).isCloseTo(1900, within(1e-6));
  }

  @Test
  void declinationMayStandFirst() throws IOException {
    Map<String, Object> cards = tangent();
    Map<String, Object> swapped = new LinkedHashMap<>(cards);
    swapped.put("CTYPE1", cards.get("CTYPE2"));
    swapped.put("CTYPE2", cards.get("CTYPE1"));
    swapped.put("CRVAL1", cards.get("CRVAL2"));
    swapped.put("CRVAL2", cards.get("CRVAL1"));
    swapped.put("CD1_1", cards.get("CD2_1"));
    swapped.put("CD1_2", cards.get("CD2_2"));
    swapped.put("CD2_1", cards.get("CD1_1"));
    swapped.put("CD2_2", cards.get("CD1_2"));
    assertThat(skyOf(swapped, 12, 34)).containsExactly(skyOf(cards, 12, 34));
    double[] sky = skyOf(cards, 12, 34);
    assertThat(pixelOf(swapped, sky[0], sky[1])[0]).isCloseTo(12, within(1e-6));
  }

  @Test
  void aPositionBehindTheObserverHasNoPixel() throws IOException {
    double[] centre = skyOf(tangent(), 1000, 1000);
    assertThat(pixelOf(tangent(), centre[0] + 180, -centre[1])).containsOnly(Double.NaN);
  }

  @Test
  void outsideTheReachOfAZenithalPolynomialThereIsNoSky() throws IOException {
    Map<String, Object> cards = cards("zpn");
    cards.put("PV2_3", -1e4); // the radius stops growing at 0.33 degrees
    assertThat(skyOf(cards, 1024, 1001)).doesNotContain(Double.NaN);
    assertThat(skyOf(cards, 1024, 9001)).containsOnly(Double.NaN);
  }

  @Test
  void fk5OfEquinox2000IsTakenAsIcrs() throws IOException {
    Map<String, Object> cards = tangent();
    double[] icrs = skyOf(cards, 0, 0);
    cards.put("RADESYS", "FK5");
    cards.put("EQUINOX", 2000.0);
    assertThat(skyOf(cards, 0, 0)).containsExactly(icrs);
  }

  @ParameterizedTest
  @CsvSource({
    "CTYPE1, , CTYPE1: found none",
    "CTYPE1, GLON-TAN, 'CTYPE1, CTYPE2: found \"GLON-TAN\"'",
    "CTYPE2, DEC--SIN, expected the same projection on both axes",
    "CRVAL2, , CRVAL2: found none",
    "CRVAL2, 95, 'CRVAL2: found a declination of 95.0, expected -90 to 90'",
    "CRPIX1, centre, 'CRPIX1: found \"centre\", expected a number'",
    "CUNIT1, arcsec, 'CUNIT1: found \"arcsec\", expected deg'",
    "RADESYS, FK4, 'RADESYS: found \"FK4\", expected ICRS or FK5'",
    "EQUINOX, 1950, 'EQUINOX: found 1950.0, expected 2000'",
    "A_ORDER, 2, 'B_ORDER: found none beside A_ORDER, expected both'",
    "PV1_1, 5, 'PV1_1: found 5.0, expected 0.0'",
    "CD1_1, 0, singular matrix"
  })
  void aHeaderThatCannotBeUsedIsRefusedByTheNameOfItsKeyword(
      String key, String value, String expected) throws IOException {
    Map<String, Object> cards = tangent();
    if (key.equals("CD1_1")) {
      cards.put("CD1_2", 0.0);
    }
    if (value == null) {
      cards.remove(key);
    } else {
      cards.put(key, value);
    }
    assertThatThrownBy(() -> Wcs.of(new FitsHeader(cards)))
        .isInstanceOf(WcsException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void otherProjectionsAndFoldedPolynomialsAreRefused() throws IOException {
    Map<String, Object> sine = tangent();
    sine.put("CTYPE1", "RA---SIN");
    sine.put("CTYPE2", "DEC--SIN");
    assertThatThrownBy(() -> Wcs.of(new FitsHeader(sine)))
        .isInstanceOf(WcsException.class)
        .hasMessageContaining("found the projection \"SIN\"");
    Map<String, Object> zpn = cards("zpn");
    zpn.put("PV2_1", -1.0);
    zpn.remove("PV2_3");
    assertThatThrownBy(() -> Wcs.of(new FitsHeader(zpn)))
        .isInstanceOf(WcsException.class)
        .hasMessageContaining("PVi_m of ZPN");
    Map<String, Object> noScale = tangent();
    noScale.keySet().removeIf(key -> key.startsWith("CD"));
    assertThatThrownBy(() -> Wcs.of(new FitsHeader(noScale)))
        .isInstanceOf(WcsException.class)
        .hasMessageContaining("expected a scale");
  }
}
