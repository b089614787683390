package org.starmill.wcs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.starmill.fits.FitsHeader;

/** What holds for any telescope, anywhere on the sky. */
class WcsPropertyTest {

  private static Map<String, Object> camera(double ra, double dec, double turn, double arcsec) {
    Map<String, Object> cards = new LinkedHashMap<>();
    double scale = arcsec / 3600;
    double angle = Math.toRadians(turn);
    cards.put("CTYPE1", "RA---TAN");
    cards.put("CTYPE2", "DEC--TAN");
    cards.put("CRVAL1", ra);
    cards.put("CRVAL2", dec);
    cards.put("CRPIX1", 1000.5);
    cards.put("CRPIX2", 700.25);
    cards.put("CD1_1", -scale * Math.cos(angle));
    cards.put("CD1_2", scale * Math.sin(angle));
    cards.put("CD2_1", scale * Math.sin(angle));
    cards.put("CD2_2", scale * Math.cos(angle));
    return cards;
  }

  private static void name(Map<String, Object> cards, String projection) {
    cards.put("CTYPE1", "RA---" + projection);
    cards.put("CTYPE2", "DEC--" + projection);
  }

  private static void assertRoundTrip(Map<String, Object> cards, long seed) {
    Random random = new Random(seed);
    int n = 20;
    double[] x = random.doubles(n, -100, 2100).toArray();
    double[] y = random.doubles(n, -100, 1500).toArray();
    double[] ra = new double[n];
    double[] dec = new double[n];
    double[] backX = new double[n];
    double[] backY = new double[n];
    Wcs wcs = Wcs.of(new FitsHeader(cards));
    wcs.pixelToSky(x, y, ra, dec);
    wcs.skyToPixel(ra, dec, backX, backY);
    for (int i = 0; i < n; i++) {
      assertThat(ra[i]).isGreaterThanOrEqualTo(0).isLessThan(360);
      assertThat(dec[i]).isBetween(-90.0, 90.0);
      assertThat(backX[i]).isCloseTo(x[i], within(1e-6));
      assertThat(backY[i]).isCloseTo(y[i], within(1e-6));
    }
  }

  @Property(tries = 200, seed = "1")
  void aPixelComesBackThroughTangentAndSip(
      @ForAll @DoubleRange(max = 360) double ra,
      @ForAll @DoubleRange(min = -90, max = 90) double dec,
      @ForAll @DoubleRange(max = 360) double turn,
      @ForAll @DoubleRange(min = 0.2, max = 20) double arcsec,
      @ForAll long seed) {
    Map<String, Object> cards = camera(ra, dec, turn, arcsec);
    name(cards, "TAN-SIP");
    Random random = new Random(seed);
    for (String axis : new String[] {"A", "B"}) {
      cards.put(axis + "_ORDER", 4L);
      for (int i = 0; i <= 4; i++) {
        for (int j = 0; i + j <= 4; j++) {
          if (i + j >= 2 && random.nextInt(3) > 0) { // up to a few pixels at 1000 pixels
            cards.put(
                "%s_%d_%d".formatted(axis, i, j),
                3 * random.nextGaussian() / Math.pow(1000, i + j));
          }
        }
      }
    }
    assertRoundTrip(cards, seed);
  }

  @Property(tries = 200, seed = "2")
  void aPixelComesBackThroughTpv(
      @ForAll @DoubleRange(max = 360) double ra,
      @ForAll @DoubleRange(min = -90, max = 90) double dec,
      @ForAll @DoubleRange(max = 360) double turn,
      @ForAll @DoubleRange(min = 0.2, max = 2) double arcsec,
      @ForAll long seed) {
    Map<String, Object> cards = camera(ra, dec, turn, arcsec);
    name(cards, "TPV");
    Random random = new Random(seed);
    for (int axis = 1; axis <= 2; axis++) {
      for (int m = 0; m < 40; m++) {
        if (random.nextInt(3) > 0) {
          cards.put("PV%d_%d".formatted(axis, m), (m == 1 ? 1 : 0) + 2e-3 * random.nextGaussian());
        }
      }
    }
    assertRoundTrip(cards, seed);
  }

  @Property(tries = 200, seed = "3")
  void aPixelComesBackThroughAZenithalPolynomialAndATurnedPole(
      @ForAll @DoubleRange(max = 360) double ra,
      @ForAll @DoubleRange(min = -90, max = 90) double dec,
      @ForAll @DoubleRange(max = 360) double pole,
      @ForAll @DoubleRange(min = -50, max = 50) double third,
      @ForAll long seed) {
    Map<String, Object> cards = camera(ra, dec, 0, 0.4);
    name(cards, "ZPN");
    cards.put("LONPOLE", pole);
    cards.put("PV2_1", 1.0);
    cards.put("PV2_3", third);
    assertRoundTrip(cards, seed);
  }

  @Property(tries = 100, seed = "4")
  void theSkyIsAsFarFromTheReferenceAsThePixelsSay(
      @ForAll @DoubleRange(max = 360) double ra,
      @ForAll @DoubleRange(min = -90, max = 90) double dec,
      @ForAll @DoubleRange(max = 360) double turn) {
    Wcs wcs = Wcs.of(new FitsHeader(camera(ra, dec, turn, 1)));
    double[] skyRa = new double[1];
    double[] skyDec = new double[1];
    wcs.pixelToSky(new double[] {999.5 + 300}, new double[] {699.25 - 400}, skyRa, skyDec);
    double d1 = Math.toRadians(dec);
    double d2 = Math.toRadians(skyDec[0]);
    double haversine =
        Math.pow(Math.sin((d2 - d1) / 2), 2)
            + Math.cos(d1)
                * Math.cos(d2)
                * Math.pow(Math.sin(Math.toRadians(skyRa[0] - ra) / 2), 2);
    double distance = 2 * Math.asin(Math.sqrt(haversine));
    assertThat(distance).isCloseTo(Math.atan(Math.toRadians(500 / 3600.0)), within(1e-12));
  }
}
