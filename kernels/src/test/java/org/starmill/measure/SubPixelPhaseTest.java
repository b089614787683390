package org.starmill.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.Image;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;

/** Where in its pixel a star lies does not change its flux. */
class SubPixelPhaseTest {
  private static final int PHASES = 12;
  private static final int SPACING = 40;
  private static final double FLUX = 100_000;
  private static final double SKY = 1240;

  @ParameterizedTest
  @EnumSource(PsfModel.class)
  void theFluxOfANoiseFreeStarDoesNotDependOnItsPhase(PsfModel model) {
    int size = PHASES * SPACING;
    int n = PHASES * PHASES;
    double[] x = new double[n];
    double[] y = new double[n];
    double[] flux = new double[n];
    Arrays.fill(flux, FLUX);
    for (int i = 0; i < n; i++) {
      x[i] = SPACING / 2 + SPACING * (i % PHASES) + (i % PHASES) / (double) PHASES;
      y[i] = SPACING / 2 + SPACING * (i / PHASES) + (i / PHASES) / (double) PHASES;
    }
    PsfKind kind = model == PsfModel.MOFFAT ? PsfKind.MOFFAT : PsfKind.GAUSSIAN;
    SimulatedCamera camera =
        new SimulatedCamera(
            CameraSettings.ztfLike().withSize(size, size).withConstantPsf(kind, 1.94));
    double[] light = camera.drawStars(size, size, x, y, flux);
    float[] science = new float[size * size];
    float[] variance = new float[size * size];
    for (int i = 0; i < science.length; i++) {
      science[i] = (float) (SKY + light[i]);
      variance[i] = science[i] + 100;
    }
    Image image = new Image(science, variance, new short[science.length], null, size, size, 10);
    Stars stars;
    try (Device device = Devices.java(1);
        ImageReducer reducer = new ImageReducer(device, Settings.with(model))) {
      stars = reducer.reduce(image).stars();
    }
    double brightest = 0;
    double faintest = Double.MAX_VALUE;
    int found = 0;
    for (int i = 0; i < stars.count(); i++) {
      if (stars.flux()[i] > 0.5 * FLUX) {
        found++;
        brightest = Math.max(brightest, stars.flux()[i]);
        faintest = Math.min(faintest, stars.flux()[i]);
      }
    }
    assertThat(found).isEqualTo(n);
    double peakToPeak = 2.5 * Math.log10(brightest / faintest) * 1000;
    assertThat(peakToPeak).as("peak to peak, mmag").isLessThan(0.2);
    assertThat(brightest / FLUX).as("flux over truth").isBetween(0.999, 1.001);
  }
}
