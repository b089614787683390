package org.starmill.measure;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.starmill.device.Device;
import org.starmill.image.PixelFlag;
import org.starmill.psf.Psf;

/**
 * Measures all stars of an image in circular apertures, and how their fluxes compare with those of
 * the PSF.
 *
 * <p>A kernel measures each star on the image without the others, see {@link ApertureKernel}; the
 * curve of growth and the aperture corrections come from the bright stars that stand alone.
 */
final class Apertures {
  /** Least signal-to-noise of a star that tells the corrections, and the most of them. */
  private static final double LEAST_SIGNAL = 50;

  private static final int MOST_STARS = 400;

  /** With fewer there is no correction. */
  private static final int LEAST_STARS = 5;

  /** Least own share of the light, and of the PSF on good pixels. */
  private static final float LEAST_CROWDING = 0.98f;

  private static final float LEAST_QUALITY = 0.98f;

  /** What a star that tells the corrections must not have. */
  private static final int SPOILT =
      PixelFlag.UNUSABLE
          | PixelFlag.EDGE
          | StarFlag.NOT_CONVERGED
          | StarFlag.AT_BOUND
          | StarFlag.NEGATIVE_FLUX
          | StarFlag.PSF_EXTRAPOLATED
          | StarFlag.OUTSIDE_FRAME
          | StarFlag.POOR_FIT
          | StarFlag.BLENDED;

  /** Standard deviations beyond which a ratio is left out of the curve of growth. */
  private static final double CLIP = 3;

  /** Error of a median over that of a mean, for normal errors. */
  private static final double MEDIAN_ERROR = 1.2533;

  private final Device device;
  private final ApertureSettings settings;
  private final ApertureKernel kernel = new ApertureKernel();

  Apertures(Device device, ApertureSettings settings) {
    this.device = device;
    this.settings = settings;
    int n = settings.radii().size();
    kernel.apertures = n;
    kernel.radius = new float[n];
    for (int k = 0; k < n; k++) {
      kernel.radius[k] = settings.radii().get(k).floatValue();
    }
    kernel.skyInner = (float) settings.skyInner();
    kernel.skyOuter = (float) settings.skyOuter();
  }

  /**
   * Measures every star in every aperture, and writes the fluxes and their errors into the list.
   *
   * @param stars as they are drawn, with their errors
   * @param drawn the kernel that has drawn them
   * @param planes the image, and what was drawn
   * @param modelVariance relative error of the model, squared
   * @param psf that they are drawn with
   */
  void measure(StarList stars, RenderKernel drawn, Planes planes, float modelVariance, Psf psf) {
    int n = stars.count();
    int apertures = kernel.apertures;
    stars.aperFlux = new float[apertures][n];
    stars.aperError = new float[apertures][n];
    if (n == 0 || apertures == 0) {
      return;
    }
    kernel.configure(psf);
    kernel.width = drawn.width;
    kernel.height = drawn.height;
    kernel.modelVariance = modelVariance;
    kernel.image = planes.image;
    kernel.model = planes.model;
    kernel.base = planes.base;
    kernel.form = drawn.form;
    kernel.drawn = drawn.radius;
    kernel.table = drawn.table();
    kernel.centreX = stars.centreX;
    kernel.centreY = stars.centreY;
    kernel.offsetX = stars.offsetX;
    kernel.offsetY = stars.offsetY;
    kernel.flux = stars.flux;
    kernel.errorFlux = stars.errorFlux;
    kernel.photon = stars.photon;
    kernel.ringSky = new float[n];
    kernel.ringVariance = new float[n];
    kernel.aperFlux = new float[n * apertures];
    kernel.aperError = new float[n * apertures];
    if (kernel.area == null || kernel.area.length < n * apertures) {
      kernel.area = new float[n * apertures];
      kernel.light = new float[n * apertures];
      kernel.lost = new float[n * apertures];
    }
    device.run(kernel, n);
    for (int k = 0; k < apertures; k++) {
      for (int i = 0; i < n; i++) {
        stars.aperFlux[k][i] = kernel.aperFlux[i * apertures + k];
        stars.aperError[k][i] = kernel.aperError[i * apertures + k];
      }
    }
  }

  /** The curve of growth and the aperture corrections of an image's stars. */
  ApertureSummary summary(Stars stars) {
    int n = settings.radii().size();
    int[] chosen = bright(stars);
    double[] growth = new double[n];
    double[] correction = new double[n];
    double[] correctionErr = new double[n];
    double[] scatter = new double[n];
    for (int k = 0; k < n; k++) {
      float[] aper = stars.aperFlux()[k];
      double[] ratios =
          Arrays.stream(chosen)
              .filter(i -> aper[i] > 0)
              .mapToDouble(i -> stars.flux()[i] / aper[i])
              .sorted()
              .toArray();
      if (ratios.length < LEAST_STARS) {
        growth[k] = Double.NaN;
        correction[k] = Double.NaN;
        correctionErr[k] = Double.NaN;
        scatter[k] = Double.NaN;
      } else {
        double median = middle(ratios);
        double width =
            1.4826
                * middle(Arrays.stream(ratios).map(q -> Math.abs(q - median)).sorted().toArray());
        correction[k] = median;
        scatter[k] = width;
        correctionErr[k] = MEDIAN_ERROR * width / Math.sqrt(ratios.length);
        growth[k] =
            Arrays.stream(ratios)
                .filter(q -> Math.abs(q - median) <= CLIP * width)
                .map(q -> 1 / q)
                .average()
                .orElse(Double.NaN);
      }
    }
    double[] radius = settings.radii().stream().mapToDouble(Double::doubleValue).toArray();
    return new ApertureSummary(
        radius, growth, correction, correctionErr, scatter, n == 0 ? 0 : chosen.length);
  }

  /** The brightest stars that stand alone, with nothing amiss. */
  private static int[] bright(Stars stars) {
    return IntStream.range(0, stars.count())
        .filter(
            i ->
                (stars.flags()[i] & SPOILT) == 0
                    && stars.flux()[i] > LEAST_SIGNAL * stars.fluxErr()[i]
                    && stars.crowding()[i] > LEAST_CROWDING
                    && stars.quality()[i] > LEAST_QUALITY)
        .boxed()
        .sorted((a, b) -> Float.compare(stars.flux()[b], stars.flux()[a]))
        .limit(MOST_STARS)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static double middle(double[] sorted) {
    int n = sorted.length;
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }

  /** Lets go of the image's planes. */
  void release() {
    kernel.image = null;
    kernel.model = null;
    kernel.base = null;
  }
}
