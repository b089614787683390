package org.starmill.detect;

import java.util.List;
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
  private double noise = Double.NaN;

  public MatchedFilter(Device device) {
    this.device = device;
  }

  /**
   * Finds the peaks of an image.
   *
   * @param image electrons, sky subtracted, row-major
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param model electrons of the stars that are known: it is taken off the image here, and their
   *     noise stays
   * @param photon variance of one electron of a star after the flat (1 / flat, typically)
   * @param width columns
   * @param height rows
   * @param psf PSF on a square of odd side, sum about 1
   * @param threshold significance from which on a local maximum is a peak, above 0
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
    return find(image, base, model, photon, width, 0, height, psf, threshold);
  }

  /**
   * Finds the peaks of some rows of an image, as if it had no others.
   *
   * @param from the first row
   * @param to one more than the last
   * @return peaks with their places in the whole image
   * @see #find(float[], float[], float[], double, int, int, float[], double)
   */
  public Peaks find(
      float[] image,
      float[] base,
      float[] model,
      double photon,
      int width,
      int from,
      int to,
      float[] psf,
      double threshold) {
    if (!(threshold > 0)) {
      throw new IllegalArgumentException(
          "threshold of %s sigma: expected more than 0".formatted(threshold));
    }
    filter.width = width;
    filter.top = from;
    filter.height = to - from;
    filter.psf = psf;
    filter.psfSquared = new float[psf.length];
    for (int i = 0; i < psf.length; i++) {
      filter.psfSquared[i] = psf[i] * psf[i];
    }
    filter.radius = ((int) Math.round(Math.sqrt(psf.length)) - 1) / 2;
    NoiseSample sample = new NoiseSample();
    Peaks found =
        device.usesVectors()
            ? inOneSweep(image, base, model, (float) photon, (float) threshold, sample)
            : inThree(image, base, model, (float) photon, (float) threshold, sample);
    noise = sample.width();
    return found;
  }

  /**
   * Width of the significance in the last image searched, from the median of its size over a sparse
   * sample of the pixels with little model: 1 where the variance explains all there is, more where
   * stars too faint and crowded to be found add to it. NaN before the first search and where no
   * pixel could be used.
   */
  public double noise() {
    return noise;
  }

  private Peaks inOneSweep(
      float[] image,
      float[] base,
      float[] model,
      float photon,
      float threshold,
      NoiseSample sample) {
    filter.image = image;
    filter.base = base;
    filter.model = model;
    filter.photon = photon;
    filter.threshold = threshold;
    filter.sample = sample;
    filter.blocks.clear();
    device.run(filter, filter.height);
    // The planes are the caller's: this object lives on and must not hold them.
    filter.image = null;
    filter.base = null;
    filter.model = null;
    return PeakList.join(filter.blocks.values());
  }

  private Peaks inThree(
      float[] image,
      float[] base,
      float[] model,
      float photon,
      float threshold,
      NoiseSample sample) {
    int width = filter.width;
    int height = filter.height;
    resize(width, height);
    weights.top = filter.top;
    weights.photon = photon;
    weights.image = image;
    weights.base = base;
    weights.model = model;
    device.run(weights, height);
    device.run(filter, height);
    peaks.threshold = threshold;
    device.run(peaks, height);
    for (int y = 0; y < height; y++) {
      sample.row(y + filter.top, width, filter.significance, y * width, base, model, photon);
    }
    weights.image = null;
    weights.base = null;
    weights.model = null;
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
    peaks.width = width;
    peaks.height = height;
  }

  private Peaks collect(int width, int height) {
    PeakList found = new PeakList();
    float[] s = filter.significance;
    for (int row = 0; row < height; row++) {
      for (int k = 0; k < peaks.count[row]; k++) {
        int column = peaks.column[row * peaks.capacity + k];
        int i = row * width + column;
        boolean insideX = column > 0 && column < width - 1;
        boolean insideY = row > 0 && row < height - 1;
        found.add(
            column,
            row + filter.top,
            insideX ? PeakList.vertex(s[i - 1], s[i], s[i + 1]) : 0f,
            insideY ? PeakList.vertex(s[i - width], s[i], s[i + width]) : 0f,
            s[i],
            filter.information[i]);
      }
    }
    return PeakList.join(List.of(found));
  }
}
