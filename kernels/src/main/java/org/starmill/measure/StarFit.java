package org.starmill.measure;

import org.starmill.device.Device;
import org.starmill.psf.Psf;

/** Fits all stars of an image, some thousands to a launch so that scratch memory stays small. */
final class StarFit {
  /** Floats of scratch a launch may take. */
  private static final int SCRATCH = 4_000_000;

  private static final int ITERATIONS = 25;

  /** Below this signal-to-noise a star is fitted on a stamp of 2.5 FWHM: its wings say nothing. */
  private static final double FAINT = 30;

  private final Device device;
  private final StarFitKernel kernel = new StarFitKernel();

  StarFit(Device device) {
    this.device = device;
  }

  /**
   * Fits every star on the image without the others and writes the results into the list.
   *
   * @param stars as they are drawn into the planes' model
   * @param psf the PSF they are drawn with
   * @param planes with the model of all stars and what it leaves of the image
   * @param mask bits of the pixels
   * @param flatError relative error of the flat in a pixel
   * @param fitSky whether a constant sky is fitted with each star
   * @param stampRadius half side of the stamp of all but the faint stars, pixels
   */
  void fit(
      StarList stars,
      Psf psf,
      Planes planes,
      short[] mask,
      double flatError,
      boolean fitSky,
      int stampRadius) {
    int n = stars.count();
    double fwhm = psf.fwhm();
    kernel.configure(psf.model(), fwhm);
    kernel.width = planes.width;
    kernel.height = planes.height;
    kernel.radius = radii(stars, fwhm, stampRadius);
    kernel.stampArea = (2 * stampRadius + 1) * (2 * stampRadius + 1);
    kernel.coreMaskRadius = Math.max(1, (int) Math.round(fwhm / 2));
    kernel.parameters = fitSky ? 4 : 3;
    kernel.iterations = ITERATIONS;
    kernel.maxShift = (float) Math.max(1, fwhm / 2);
    kernel.flatVariance = (float) (flatError * flatError);
    kernel.residual = planes.residual;
    kernel.model = planes.model;
    kernel.base = planes.base;
    kernel.mask = mask;
    kernel.centreX = stars.centreX;
    kernel.centreY = stars.centreY;
    kernel.form = stars.forms(psf);
    kernel.photon = stars.photon;
    kernel.offsetX = stars.offsetX;
    kernel.offsetY = stars.offsetY;
    kernel.flux = stars.flux;
    kernel.skyOffset = stars.skyOffset;
    kernel.errorX = stars.errorX;
    kernel.errorY = stars.errorY;
    kernel.errorFlux = stars.errorFlux;
    kernel.chi2 = stars.chi2;
    kernel.sharp = stars.sharp;
    kernel.quality = stars.quality;
    kernel.crowding = stars.crowding;
    kernel.flags = stars.flags;
    int chunk = Math.max(64, SCRATCH / (kernel.stampArea + StarFitKernel.WORK));
    chunk = Math.min(chunk, Math.max(1, n));
    if (kernel.target == null || kernel.target.length < chunk * kernel.stampArea) {
      kernel.target = new float[chunk * kernel.stampArea];
    }
    if (kernel.work == null || kernel.work.length < chunk * StarFitKernel.WORK) {
      kernel.work = new float[chunk * StarFitKernel.WORK];
    }
    for (int first = 0; first < n; first += chunk) {
      kernel.first = first;
      device.run(kernel, Math.min(chunk, n - first));
    }
    stars.recentre();
  }

  /** Lets go of the last image's mask, the one plane that is not the reducer's own. */
  void release() {
    kernel.mask = null;
  }

  private static int[] radii(StarList stars, double fwhm, int stampRadius) {
    int small = Math.min(stampRadius, Math.max(4, (int) Math.round(2.5 * fwhm)));
    int[] radius = new int[stars.count()];
    for (int i = 0; i < radius.length; i++) {
      radius[i] = stars.flux[i] > FAINT * stars.errorFlux[i] ? stampRadius : small;
    }
    return radius;
  }
}
