package org.starmill.detect;

import java.util.Arrays;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;
import org.starmill.sample.SimulatedExposure;
import org.starmill.sample.StarTruth;

/** A simulated field in electrons over its sky, without the camera's blemishes. */
final class SkyField {
  private static final double SKY_ADU = 200;

  final int size;
  final float[] image;
  final float[] base;
  final float[] dark;
  final short[] mask;

  /** Electrons that cosmic rays left in each pixel. */
  final float[] rays;

  final StarTruth truth;
  final double sky;

  SkyField(int size, int stars, int rays, PsfKind kind, double fwhm, long seed) {
    this.size = size;
    CameraSettings settings =
        CameraSettings.ztfLike()
            .withSize(size, size)
            .withoutBlemishes()
            .withSeed(seed)
            .withBias(new CameraSettings.Bias(1500, 0, 0, 0, 0))
            .withResponse(new CameraSettings.Response(0, 0, 0, 0, 0, 0, 0))
            .withFlatSky(SKY_ADU)
            .withStars(stars)
            .withPsf(kind, fwhm);
    double gain = settings.chip().gain();
    sky = SKY_ADU * gain;
    SimulatedExposure exposure = new SimulatedCamera(settings.withCosmicRays(rays)).science(0);
    truth = exposure.stars();
    image = electrons(exposure, gain);
    float[] clean = rays == 0 ? image : electrons(new SimulatedCamera(settings).science(0), gain);
    this.rays = new float[image.length];
    base = new float[image.length];
    dark = new float[image.length];
    mask = new short[image.length];
    double readVariance = Math.pow(settings.chip().readNoise(), 2) + gain * gain / 12;
    Arrays.fill(base, (float) (sky + readVariance));
    double full = (settings.saturation() - settings.bias().level()) * gain - sky;
    for (int i = 0; i < image.length; i++) {
      this.rays[i] = image[i] - clean[i];
      if (image[i] >= full) {
        withoutSaturated(i % size, i / size);
      }
    }
  }

  private float[] electrons(SimulatedExposure exposure, double gain) {
    float[] electrons = new float[size * size];
    for (int i = 0; i < electrons.length; i++) {
      float adu = exposure.frame().adu()[i / size * exposure.frame().columns() + i % size];
      electrons[i] = (float) ((adu - 1500) * gain - sky);
    }
    return electrons;
  }

  /** A saturated pixel, two along the column and one beside carry no weight. */
  private void withoutSaturated(int x, int y) {
    for (int sy = Math.max(0, y - 2); sy <= Math.min(size - 1, y + 2); sy++) {
      for (int sx = Math.max(0, x - 1); sx <= Math.min(size - 1, x + 1); sx++) {
        base[sy * size + sx] = 0;
        mask[sy * size + sx] = 2;
      }
    }
  }

  /**
   * Stars above S/N 5 with a pixel of the given flag, within one of their centre, far from a ray.
   */
  int starsMarked(int flag) {
    int marked = 0;
    for (int i = 0; i < truth.count(); i++) {
      if (truth.inside()[i] && truth.flux()[i] > 5 * truth.fluxBound()[i]) {
        int x = (int) Math.round(truth.x()[i]);
        int y = (int) Math.round(truth.y()[i]);
        marked += any(x, y, 1, flag) && !hit(x, y) ? 1 : 0;
      }
    }
    return marked;
  }

  private boolean any(int x, int y, int reach, int flag) {
    for (int sy = Math.max(0, y - reach); sy <= Math.min(size - 1, y + reach); sy++) {
      for (int sx = Math.max(0, x - reach); sx <= Math.min(size - 1, x + reach); sx++) {
        if ((mask[sy * size + sx] & flag) != 0) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean hit(int x, int y) {
    for (int sy = Math.max(0, y - 3); sy <= Math.min(size - 1, y + 3); sy++) {
      for (int sx = Math.max(0, x - 3); sx <= Math.min(size - 1, x + 3); sx++) {
        if (rays[sy * size + sx] > 60) {
          return true;
        }
      }
    }
    return false;
  }

  /** Sets the base of marked pixels to zero, as the next search wants it. */
  void leaveOut(int flag) {
    for (int i = 0; i < mask.length; i++) {
      if ((mask[i] & flag) != 0) {
        base[i] = 0;
      }
    }
  }
}
