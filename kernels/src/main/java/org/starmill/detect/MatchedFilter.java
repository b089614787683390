package org.starmill.detect;

import java.util.Arrays;
import org.starmill.device.Device;

/**
 * Finds point sources: correlates the image with the PSF, each pixel with its own weight, and takes
 * the local maxima of the significance.
 *
 * <p>For a star of unknown flux at a known place this is the most powerful test there is when the
 * noise is Gaussian and independent (Turin 1960; for images with a variance each pixel: Zackay and
 * Ofek 2017, ApJ 836, 187). The square root of the information is 1 / sigma of the flux.
 */
public final class MatchedFilter {
  private final Device device;
  private final WeightKernel weights = new WeightKernel();
  private final MatchedFilterKernel filter = new MatchedFilterKernel();
  private final PeakKernel peaks = new PeakKernel();

  public MatchedFilter(Device device) {
    this.device = device;
  }

  /**
   * Finds the peaks of an image.
   *
   * @param image electrons, sky subtracted, row-major
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param model electrons of stars already taken out of the image, whose noise is still there
   * @param photon variance of one electron of a star after the flat (1 / flat, typically)
   * @param width columns
   * @param height rows
   * @param psf PSF on a square of odd side, sum about 1
   * @param threshold significance from which on a local maximum is a peak
   */
  public Peaks find(
      float[] image,
      float[] base,
      float[] model,
      double photon,
      int width,
      int height,
      float[] psf,
      double threshold) {
    resize(width, height);
    weights.photon = (float) photon;
    weights.image = image;
    weights.base = base;
    weights.model = model;
    device.run(weights, height);

    filter.psf = psf;
    filter.psfSquared = new float[psf.length];
    for (int i = 0; i < psf.length; i++) {
      filter.psfSquared[i] = psf[i] * psf[i];
    }
    filter.radius = ((int) Math.round(Math.sqrt(psf.length)) - 1) / 2;
    device.run(filter, height);

    peaks.threshold = (float) threshold;
    device.run(peaks, height);
    return collect(width, height);
  }

  private void resize(int width, int height) {
    int size = width * height;
    if (filter.significance == null || filter.significance.length != size) {
      weights.weighted = new float[size];
      weights.weight = new float[size];
      filter.weighted = weights.weighted;
      filter.weight = weights.weight;
      filter.significance = new float[size];
      filter.information = new float[size];
      peaks.significance = filter.significance;
    }
    if (peaks.count == null || peaks.height != height || peaks.width != width) {
      peaks.capacity = width / 2 + 1;
      peaks.count = new int[height];
      peaks.column = new int[height * peaks.capacity];
    }
    weights.width = width;
    filter.width = width;
    filter.height = height;
    peaks.width = width;
    peaks.height = height;
  }

  private Peaks collect(int width, int height) {
    int total = Arrays.stream(peaks.count).sum();
    float[] x = new float[total];
    float[] y = new float[total];
    float[] flux = new float[total];
    float[] significance = new float[total];
    float[] s = filter.significance;
    int n = 0;
    for (int row = 0; row < height; row++) {
      for (int k = 0; k < peaks.count[row]; k++) {
        int column = peaks.column[row * peaks.capacity + k];
        int i = row * width + column;
        x[n] = column + (column > 0 && column < width - 1 ? vertex(s[i - 1], s[i], s[i + 1]) : 0f);
        y[n] = row + (row > 0 && row < height - 1 ? vertex(s[i - width], s[i], s[i + width]) : 0f);
        significance[n] = s[i];
        flux[n] = s[i] / (float) Math.sqrt(filter.information[i]);
        n++;
      }
    }
    return new Peaks(x, y, flux, significance);
  }

  /** Where the parabola through three equidistant values has its top, from -0.5 to 0.5. */
  private static float vertex(float left, float middle, float right) {
    float curvature = 2 * middle - left - right;
    if (!(curvature > 0)) {
      return 0f;
    }
    return Math.max(-0.5f, Math.min(0.5f, 0.5f * (right - left) / curvature));
  }
}
