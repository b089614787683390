package org.starmill.measure;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfModel;

/**
 * Draws the model of all stars and the residual: sorts the stars into bands of rows and lets a
 * kernel draw each band.
 */
final class StarModel {
  private static final int BAND_ROWS = 16;

  /** Stars are drawn out to where they fall below this share of the sky's noise. */
  private static final double FAINTEST = 0.05;

  /** Pixels; only the wings of stars far above saturation reach further. */
  private static final int MAX_RADIUS = 150;

  /** FWHM; a Gaussian has fallen to 1e-30 of its peak there. */
  private static final double GAUSSIAN_RADIUS = 5;

  private final Device device;
  private final RenderKernel kernel = new RenderKernel();

  StarModel(Device device) {
    this.device = device;
  }

  /** Draws all stars into {@code planes.model} and leaves what remains in the residual. */
  void draw(StarList stars, Psf psf, Planes planes, double skyNoise, int stampRadius) {
    int width = planes.width;
    int height = planes.height;
    int n = stars.count();
    kernel.configure(psf.model(), psf.fwhm());
    kernel.form = atLeastOne(stars.forms(psf));
    kernel.radius = atLeastOne(radii(stars, psf, skyNoise, stampRadius));
    int bands = (height + BAND_ROWS - 1) / BAND_ROWS;
    int[] start = new int[bands + 1];
    for (int i = 0; i < n; i++) {
      for (int b = firstBand(stars, i); b <= lastBand(stars, i, bands); b++) {
        start[b + 1]++;
      }
    }
    for (int b = 0; b < bands; b++) {
      start[b + 1] += start[b];
    }
    int[] next = Arrays.copyOf(start, bands);
    int[] member = new int[Math.max(1, start[bands])];
    for (int i = 0; i < n; i++) {
      for (int b = firstBand(stars, i); b <= lastBand(stars, i, bands); b++) {
        member[next[b]++] = i;
      }
    }
    kernel.width = width;
    kernel.height = height;
    kernel.bandRows = BAND_ROWS;
    kernel.bandStart = start;
    kernel.bandStar = member;
    kernel.centreX = atLeastOne(stars.centreX);
    kernel.centreY = atLeastOne(stars.centreY);
    kernel.offsetX = atLeastOne(stars.offsetX);
    kernel.offsetY = atLeastOne(stars.offsetY);
    kernel.flux = atLeastOne(stars.flux);
    kernel.image = planes.image;
    kernel.base = planes.base;
    kernel.model = planes.model;
    kernel.residual = planes.residual;
    device.run(kernel, bands);
  }

  private int firstBand(StarList stars, int star) {
    return Math.max(0, stars.centreY[star] - kernel.radius[star]) / BAND_ROWS;
  }

  private int lastBand(StarList stars, int star, int bands) {
    int last = stars.centreY[star] + kernel.radius[star];
    return last < 0 ? -1 : Math.min(bands - 1, last / BAND_ROWS);
  }

  /**
   * Radius of each star's patch: where F P(r) falls below a share of the noise, and never less than
   * the stamp it is fitted on.
   */
  private static int[] radii(StarList stars, Psf psf, double skyNoise, int stampRadius) {
    double fwhm = psf.fwhm();
    boolean moffat = psf.model() == PsfModel.MOFFAT;
    int limit = moffat ? MAX_RADIUS : (int) Math.ceil(GAUSSIAN_RADIUS * fwhm);
    int[] radius = new int[stars.count()];
    float[] form = new float[PsfKernel.FORM];
    for (int i = 0; i < radius.length; i++) {
      psf.formAt(stars.x(i), stars.y(i), form, 0);
      double peak = Math.abs(stars.flux[i]) * form[4];
      double ratio = Math.max(1, peak / (FAINTEST * Math.max(skyNoise, 1)));
      double smallest = Math.min(form[0], form[2]);
      double q = moffat ? Math.pow(ratio, 1 / form[3]) - 1 : 2 * Math.log(ratio);
      // Half a FWHM more: ellipses are longer than they are wide.
      double r = Math.sqrt(q / smallest) + 0.5 * fwhm;
      radius[i] = (int) Math.max(stampRadius + 2, Math.min(limit, Math.ceil(r)));
    }
    return radius;
  }

  /** OpenCL knows no empty arrays. */
  static float[] atLeastOne(float[] values) {
    return values.length == 0 ? new float[1] : values;
  }

  static int[] atLeastOne(int[] values) {
    return values.length == 0 ? new int[1] : values;
  }
}
