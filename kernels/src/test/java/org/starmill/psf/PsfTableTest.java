package org.starmill.psf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.starmill.device.Devices;

/** A star drawn from the table is the star that the PSF, integrated over pixels, draws. */
class PsfTableTest {
  private static final int SIZE = 3072;

  private static final int LANES = PsfStamps.LANES;

  private final float[] value = new float[LANES];
  private final float[] slopeX = new float[LANES];
  private final float[] slopeY = new float[LANES];
  private final float[] alone = new float[LANES];

  private static final class Probe extends PsfKernel {
    final float[] form = new float[FORM];
    final float[] out = new float[3];

    @Override
    public void item(int item) {}
  }

  @BeforeEach
  void theVectorApiIsThere() {
    assumeTrue(Devices.VECTORS, "this JVM has no module jdk.incubator.vector");
  }

  private static Psf constant(PsfModel model, double fwhm) {
    return new Psf(model, SIZE, SIZE, new double[][] {{Math.log(fwhm)}, {0.03}, {-0.02}, {3.1}});
  }

  /** A PSF whose width and ellipticity vary over the field by a few per cent. */
  private static Psf varying(PsfModel model, double fwhm) {
    double[] width = {Math.log(fwhm), 0.03, -0.02, 0.02, 0.01, 0.015};
    double[] along = {0.03, 0.02, 0.02, 0, 0.01, 0};
    double[] across = {-0.02, 0.02, -0.03, 0.01, 0, 0};
    double[] beta = {3.1};
    return new Psf(model, SIZE, SIZE, new double[][] {width, along, across, beta});
  }

  static Stream<Arguments> psfs() {
    return Stream.of(PsfModel.values())
        .flatMap(
            model ->
                DoubleStream.of(1.5, 1.94, 2.8, 5, 9).mapToObj(fwhm -> Arguments.of(model, fwhm)));
  }

  @ParameterizedTest(name = "{0}, FWHM {1}")
  @MethodSource("psfs")
  void aStarIsThatOfTheScalarSourceAtEveryPhase(PsfModel model, double fwhm) {
    // 0.1 mmag of flux is 9e-5; at 2.8 pixels there are but two points a pixel.
    check(constant(model, fwhm), 7e-4, 4e-3, 1.4e-4);
  }

  /** Between the middles of cells the table is right to a tenth of what the PSF has changed by. */
  @ParameterizedTest(name = "{0}, FWHM {1}")
  @MethodSource("psfs")
  void aStarAnywhereInAFieldWhosePsfVariesIsThatOfTheScalarSource(PsfModel model, double fwhm) {
    check(varying(model, fwhm), 1.2e-3, 8e-3, 6e-4);
  }

  private void check(Psf psf, double ofPeak, double ofSlope, double ofFlux) {
    double fwhm = psf.fwhm();
    Probe probe = new Probe();
    probe.configure(psf);
    int radius = (int) Math.ceil(3.5 * fwhm);
    PsfTable.Local table = new PsfTable(psf, probe, radius).local();
    Random random = new Random(7);
    for (int n = 0; n < 120; n++) {
      int cx = random.nextInt(SIZE);
      int cy = random.nextInt(SIZE);
      float x = random.nextFloat() - 0.5f;
      float y = random.nextFloat() - 0.5f;
      psf.formAt(cx + x, cy + y, probe.form, 0);
      table.star(cx, cy, x, y, probe.form, 0);
      float peak = probe.pixel(probe.form, 0, 0, 0, probe.order(0, 0));
      double worst = 0;
      double worstSlope = 0;
      double projected = 0;
      double norm = 0;
      for (int row = -radius; row <= radius; row++) {
        for (int column = -radius; column <= radius; column += LANES) {
          table.slopes(column, row, value, slopeX, slopeY, 0);
          table.values(column, row, alone, 0);
          for (int lane = 0; lane < LANES && column + lane <= radius; lane++) {
            int px = column + lane;
            probe.pixelAndSlopes(
                probe.form, 0, px - x, row - y, probe.order(px, row), probe.out, 0);
            assertThat(alone[lane]).isEqualTo(value[lane]);
            double slope =
                Math.max(
                    Math.abs(slopeX[lane] - probe.out[1]), Math.abs(slopeY[lane] - probe.out[2]));
            worst = Math.max(worst, Math.abs(value[lane] - probe.out[0]) / peak);
            worstSlope = Math.max(worstSlope, slope * 0.5 * fwhm / peak);
            projected += value[lane] * probe.out[0];
            norm += value[lane] * value[lane];
          }
        }
      }
      assertThat(worst).as("error of a value over the peak").isLessThan(ofPeak);
      assertThat(worstSlope).as("error of a slope over peak / half a FWHM").isLessThan(ofSlope);
      assertThat(Math.abs(projected / norm - 1)).as("error of a fitted flux").isLessThan(ofFlux);
    }
  }
}
