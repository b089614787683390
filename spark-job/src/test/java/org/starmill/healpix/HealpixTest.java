package org.starmill.healpix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class HealpixTest {
  private static final double BELT = Math.toDegrees(Math.asin(2.0 / 3));

  @Test
  void positionsHaveTheNumbersThatTheReferenceGivesThem() throws IOException {
    try (InputStream in = HealpixTest.class.getResourceAsStream("/healpix/nested_reference.csv")) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      String[] names = lines.get(0).split(",");
      assertThat(lines).hasSize(411);
      for (String line : lines.subList(1, lines.size())) {
        String[] values = line.split(",");
        double ra = Double.parseDouble(values[0]);
        double dec = Double.parseDouble(values[1]);
        for (int i = 2; i < names.length; i++) {
          int order = Integer.parseInt(names[i].substring("order".length()));
          assertThat(Healpix.pixel(order, ra, dec))
              .as("%s of ra %s dec %s", names[i], ra, dec)
              .isEqualTo(Long.parseLong(values[i]));
        }
      }
    }
  }

  @Test
  void everyPixelOfLowOrdersHoldsItsCentreAndItsInnerCorners() {
    for (int order = 0; order <= 6; order++) {
      for (long number = 0; number < 12L << 2 * order; number++) {
        for (double column : new double[] {1e-9, 0.5, 1 - 1e-9}) {
          for (double row : new double[] {1e-9, 0.5, 1 - 1e-9}) {
            PixelCentre point = PixelCentre.of(order, number, column, row);
            if (Healpix.pixel(order, point.ra(), point.dec()) != number) {
              assertThat(Healpix.pixel(order, point.ra(), point.dec()))
                  .as("order %d, %s, %s of %d", order, column, row, number)
                  .isEqualTo(number);
            }
          }
        }
      }
    }
  }

  @Property(tries = 2000, seed = "11")
  void aPixelOfAnyOrderHoldsItsCentre(
      @ForAll @IntRange(min = 0, max = 27) int order,
      @ForAll @LongRange(min = 0, max = (12L << 58) - 1) long place) {
    long number = place >> 2 * (Healpix.MAX_ORDER - order);
    PixelCentre centre = PixelCentre.of(order, number, 0.5, 0.5);
    assertThat(Healpix.pixel(order, centre.ra(), centre.dec())).isEqualTo(number);
  }

  @Property(tries = 2000, seed = "12")
  void aQuarterOfAPixelLiesInIt(
      @ForAll @DoubleRange(min = -720, max = 720) double ra,
      @ForAll @DoubleRange(min = -90, max = 90) double dec) {
    long place = Healpix.pixel(Healpix.MAX_ORDER, ra, dec);
    for (int order = 0; order < Healpix.MAX_ORDER; order++) {
      assertThat(Healpix.pixel(order, ra, dec)).isEqualTo(place >> 2 * (Healpix.MAX_ORDER - order));
    }
  }

  @Test
  void aPoleLiesInTheLastOrFirstPixelOfAFaceWhateverItsRightAscension() {
    for (double ra : new double[] {0, 45, 90, 137.5, 180, 270, 359.999999999}) {
      long quarter = (long) (ra / 90);
      assertThat(Healpix.pixel(29, ra, 90)).isEqualTo((quarter + 1 << 58) - 1);
      assertThat(Healpix.pixel(29, ra, -90)).isEqualTo(quarter + 8 << 58);
    }
  }

  @Test
  void cornersOfFacesBelongToAFaceThatTouchesThem() {
    for (int quarter = 0; quarter < 4; quarter++) {
      int next = (quarter + 1) % 4;
      // Left and right corners of northern faces, at whole quarters, are upper ones of the belt's.
      assertThat(Healpix.pixel(0, 90 * next, BELT)).isIn((long) quarter, (long) next, 4L + next);
      assertThat(Healpix.pixel(0, 90 * next, -BELT)).isIn(8L + quarter, 8L + next, 4L + next);
      // On the equator half-way two faces of the belt, one of the north and one of the south meet.
      assertThat(Healpix.pixel(0, 90 * quarter + 45, 0))
          .isIn((long) quarter, 4L + quarter, 4L + next, 8L + quarter);
    }
  }

  @Test
  void aHairBelowAWholeTurnIsNoPlaceBeyondTheSky() {
    for (double ra : new double[] {-1e-20, Math.nextDown(360.0), -Double.MIN_VALUE, 360, 720}) {
      for (double dec : new double[] {-90, -BELT, 0, BELT, Math.nextUp(BELT), 90}) {
        for (int order : new int[] {0, 1, 29}) {
          assertThat(Healpix.pixel(order, ra, dec)).isBetween(0L, (12L << 2 * order) - 1);
          assertThat(Healpix.pixel(0, ra, dec)).isIn(0L, 3L, 4L, 8L, 11L);
        }
      }
    }
  }

  @Test
  void whatIsNoPositionHasNoPixel() {
    for (double[] none :
        new double[][] {
          {Double.NaN, 0}, {0, Double.NaN}, {Double.POSITIVE_INFINITY, 0}, {0, 90.0001}, {0, -91}
        }) {
      assertThat(Healpix.isPosition(none[0], none[1])).as(Arrays.toString(none)).isFalse();
      assertThatThrownBy(() -> Healpix.pixel(3, none[0], none[1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("dec from -90 to 90");
    }
    assertThatThrownBy(() -> Healpix.pixel(30, 0, 0)).hasMessageContaining("0 to 29");
    assertThatThrownBy(() -> new HealpixPixel(1, 48)).hasMessageContaining("12 * 4^order");
  }

  @Test
  void aPixelSpansItsPartOfTheHighestOrder() {
    assertThat(new HealpixPixel(29, 7).first()).isEqualTo(7);
    assertThat(new HealpixPixel(29, 7).end()).isEqualTo(8);
    assertThat(new HealpixPixel(0, 11).first()).isEqualTo(11L << 58);
    assertThat(new HealpixPixel(0, 11).end()).isEqualTo(12L << 58);
    assertThat(new HealpixPixel(1, 3).end()).isEqualTo(new HealpixPixel(0, 0).end());
  }
}
