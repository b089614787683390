package org.starmill.wcs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.hipparchus.analysis.differentiation.Gradient;
import org.junit.jupiter.api.Test;

/** The slopes that the way from sky to pixel steps by, against automatic differentiation. */
class DistortionDerivativeTest {

  @Test
  void theSlopesOfADistortionAreThoseOfAutomaticDifferentiation() {
    Random random = new Random(7);
    for (int trial = 0; trial < 50; trial++) {
      double[][] powers = new double[8][8];
      for (double[] row : powers) {
        for (int j = 0; j < row.length; j++) {
          row[j] = random.nextGaussian();
        }
      }
      double[] radial = random.doubles(4, -1, 1).toArray();
      Gradient x = Gradient.variable(2, 0, random.nextGaussian());
      Gradient y = Gradient.variable(2, 1, random.nextGaussian());
      Gradient sum = Gradient.constant(2, 0);
      for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
          sum = sum.add(x.pow(i).multiply(y.pow(j)).multiply(powers[i][j]));
        }
      }
      Gradient r = x.multiply(x).add(y.multiply(y)).sqrt();
      for (int k = 0; k < 4; k++) {
        sum = sum.add(r.pow(2 * k + 1).multiply(radial[k]));
      }
      double[] found = new double[3];
      new PlanePolynomial(powers, radial).evaluate(x.getValue(), y.getValue(), found);
      double size = 1 + Math.abs(sum.getValue()) + Math.abs(sum.getGradient()[0]);
      assertThat(found[0]).isCloseTo(sum.getValue(), within(1e-11 * size));
      assertThat(found[1]).isCloseTo(sum.getGradient()[0], within(1e-11 * size));
      assertThat(found[2])
          .isCloseTo(sum.getGradient()[1], within(1e-11 * (size + Math.abs(sum.getGradient()[1]))));
    }
  }

  @Test
  void theSlopeOfAZenithalPolynomialIsThatOfAutomaticDifferentiation() {
    double[] terms = {0.001, 1, -0.2, 3.5, 0.7};
    Projection.ZenithalPolynomial projection = new Projection.ZenithalPolynomial(terms);
    for (double distance = 0; distance < 0.5; distance += 0.05) {
      Gradient z = Gradient.variable(1, 0, distance);
      Gradient sum = Gradient.constant(1, 0);
      for (int m = 0; m < terms.length; m++) {
        sum = sum.add(z.pow(m).multiply(terms[m]));
      }
      assertThat(projection.radius(distance)).isCloseTo(sum.getValue(), within(1e-14));
      assertThat(projection.derivative(distance)).isCloseTo(sum.getGradient()[0], within(1e-14));
    }
  }
}
