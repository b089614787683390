package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.hipparchus.analysis.differentiation.Gradient;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every analytic derivative against automatic differentiation of the same integral. */
class PsfDerivativesTest {
  private static final int CASES = 300;

  /** The kernel's arithmetic with a place to put the numbers. */
  private static final class Probe extends PsfKernel {
    final float[] form = new float[FORM];
    final float[] out = new float[8];

    @Override
    public void item(int item) {}
  }

  /** The PSF over a pixel in double precision, differentiable by its six or seven unknowns. */
  private static Gradient integral(
      PsfModel model,
      int order,
      Gradient dx,
      Gradient dy,
      Gradient a,
      Gradient b,
      Gradient c,
      Gradient beta) {
    double[][] nodes = {
      {0},
      {-0.5 / Math.sqrt(3), 0.5 / Math.sqrt(3)},
      {-0.5 * Math.sqrt(0.6), 0, 0.5 * Math.sqrt(0.6)}
    };
    double[][] weights = {{1}, {0.5, 0.5}, {5.0 / 18, 4.0 / 9, 5.0 / 18}};
    Gradient root = a.multiply(c).subtract(b.multiply(b).multiply(0.25)).sqrt();
    Gradient norm =
        model == PsfModel.GAUSSIAN
            ? root.divide(2 * Math.PI)
            : beta.subtract(1).multiply(root).divide(Math.PI);
    if (order == 1) {
      return expansion(model, dx, dy, a, b, c, beta).multiply(norm);
    }
    Gradient sum = dx.getField().getZero();
    for (int j = 0; j < order; j++) {
      for (int i = 0; i < order; i++) {
        Gradient x = dx.add(nodes[order - 1][i]);
        Gradient y = dy.add(nodes[order - 1][j]);
        Gradient q =
            a.multiply(x).multiply(x).add(b.multiply(x).multiply(y)).add(c.multiply(y).multiply(y));
        Gradient value =
            model == PsfModel.GAUSSIAN ? q.multiply(-0.5).exp() : q.add(1).pow(beta.negate());
        sum = sum.add(value.multiply(weights[order - 1][i] * weights[order - 1][j]));
      }
    }
    return sum.multiply(norm);
  }

  /** f + (1/24) laplacian f from the chain rule: f'' |grad q|^2 + f' laplacian q. */
  private static Gradient expansion(
      PsfModel model, Gradient x, Gradient y, Gradient a, Gradient b, Gradient c, Gradient beta) {
    Gradient q =
        a.multiply(x).multiply(x).add(b.multiply(x).multiply(y)).add(c.multiply(y.multiply(y)));
    Gradient gx = a.multiply(x).multiply(2).add(b.multiply(y));
    Gradient gy = b.multiply(x).add(c.multiply(y).multiply(2));
    Gradient square = gx.multiply(gx).add(gy.multiply(gy));
    Gradient trace = a.add(c).multiply(2);
    Gradient f;
    Gradient first;
    Gradient second;
    if (model == PsfModel.GAUSSIAN) {
      f = q.multiply(-0.5).exp();
      first = f.multiply(-0.5);
      second = f.multiply(0.25);
    } else {
      Gradient u = q.add(1);
      f = u.pow(beta.negate());
      first = f.divide(u).multiply(beta.negate());
      second = f.divide(u).divide(u).multiply(beta).multiply(beta.add(1));
    }
    return f.add(second.multiply(square).add(first.multiply(trace)).divide(24));
  }

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void slopesAndShapeDerivativesAgreeWithAutomaticDifferentiation(PsfModel model) {
    Random random = new Random(11);
    Probe probe = new Probe();
    for (int n = 0; n < CASES; n++) {
      double fwhm = 1.3 + 7 * random.nextDouble();
      double beta = 1.6 + 4 * random.nextDouble();
      double e1 = 0.4 * (random.nextDouble() - 0.5);
      double e2 = 0.4 * (random.nextDouble() - 0.5);
      Psf psf = new Psf(model, 100, 100, new double[][] {{Math.log(fwhm)}, {e1}, {e2}, {beta}});
      psf.formAt(50, 50, probe.form, 0);
      probe.configure(model, fwhm);
      int order = 1 + random.nextInt(3);
      double dx = 3 * fwhm * (random.nextDouble() - 0.5);
      double dy = 3 * fwhm * (random.nextDouble() - 0.5);
      // The star's position moves the other way than the pixel's offset from it.
      Gradient x = Gradient.variable(6, 0, dx);
      Gradient y = Gradient.variable(6, 1, dy);
      Gradient a = Gradient.variable(6, 2, probe.form[0]);
      Gradient b = Gradient.variable(6, 3, probe.form[1]);
      Gradient c = Gradient.variable(6, 4, probe.form[2]);
      Gradient g = Gradient.variable(6, 5, probe.form[3]);
      Gradient expected = integral(model, order, x, y, a, b, c, g);
      // Where value and curvature nearly cancel, floats resolve a share of the profile alone.
      double scale = Math.abs(expected.getValue()) + 0.1 * probe.form[4] * (order == 1 ? 1 : 0);

      float value = probe.pixel(probe.form, 0, (float) dx, (float) dy, order);
      assertThat((double) value).isCloseTo(expected.getValue(), within(5e-6 * scale));

      probe.pixelAndSlopes(probe.form, 0, (float) dx, (float) dy, order, probe.out, 0);
      assertThat((double) probe.out[0]).isCloseTo(expected.getValue(), within(5e-6 * scale));
      assertThat((double) probe.out[1])
          .isCloseTo(-expected.getPartialDerivative(0), within(2e-5 * scale));
      assertThat((double) probe.out[2])
          .isCloseTo(-expected.getPartialDerivative(1), within(2e-5 * scale));

      if (order == 1) {
        continue;
      }
      probe.pixelByShape(probe.form, 0, (float) dx, (float) dy, order, probe.out, 3);
      for (int k = 2; k < 6; k++) {
        double derivative = expected.getPartialDerivative(k);
        double tolerance = 2e-5 * Math.max(Math.abs(derivative), scale * fwhm * fwhm);
        assertThat((double) probe.out[k + 1])
            .as("%s, derivative %d at FWHM %.2f, beta %.2f", model, k, fwhm, beta)
            .isCloseTo(model == PsfModel.GAUSSIAN && k == 5 ? 0 : derivative, within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void theFormFollowsTheShapeAsAutomaticDifferentiationHasIt(PsfModel model) {
    Random random = new Random(12);
    for (int n = 0; n < CASES; n++) {
      Gradient logFwhm = Gradient.variable(4, 0, Math.log(1.3 + 7 * random.nextDouble()));
      Gradient e1 = Gradient.variable(4, 1, 0.6 * (random.nextDouble() - 0.5));
      Gradient e2 = Gradient.variable(4, 2, 0.6 * (random.nextDouble() - 0.5));
      Gradient beta = Gradient.variable(4, 3, 1.6 + 4 * random.nextDouble());
      Gradient inverse = logFwhm.multiply(-2).exp();
      Gradient s =
          model == PsfModel.GAUSSIAN
              ? inverse.multiply(8 * Math.log(2))
              : beta.reciprocal()
                  .multiply(Math.log(2))
                  .exp()
                  .subtract(1)
                  .multiply(4)
                  .multiply(inverse);
      Gradient stretch = e1.multiply(e1).add(e2.multiply(e2)).negate().add(1).sqrt().reciprocal();
      Gradient[] form = {
        s.multiply(stretch).multiply(e1.add(1)),
        s.multiply(stretch).multiply(e2).multiply(2),
        s.multiply(stretch).multiply(e1.negate().add(1)),
        beta
      };
      Psf psf =
          new Psf(
              model,
              100,
              100,
              new double[][] {
                {logFwhm.getValue()}, {e1.getValue()}, {e2.getValue()}, {beta.getValue()}
              });
      float[] values = new float[PsfKernel.FORM];
      psf.formAt(30, 60, values, 0);
      double[][] derivatives = psf.formByShape(30, 60);
      for (int row = 0; row < 4; row++) {
        assertThat((double) values[row])
            .isCloseTo(form[row].getValue(), within(1e-6 * (1 + Math.abs(form[row].getValue()))));
        for (int column = 0; column < 4; column++) {
          double expected = form[row].getPartialDerivative(column);
          assertThat(derivatives[row][column])
              .isCloseTo(expected, within(1e-10 * (1 + Math.abs(expected))));
        }
      }
    }
  }
}
