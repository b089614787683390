package org.starmill.measure;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.image.PixelFlag;
import org.starmill.psf.Psf;

/**
 * Fits given stars with a given PSF: one pass of the way's last step, alone.
 *
 * <p>All stars of the image are solved together, step by step, until fewer than one in ten still
 * moves by more than a tenth of its standard deviation; no star is looked for, none is dropped, and
 * the sky and the PSF stay as they are. What {@link ImageReducer} does several times over can so be
 * timed, or compared with other fits. Not safe for use by several threads at once.
 */
public final class StarFit {
  private static final int MOST_SWEEPS = 10;
  private static final double MOST_MOVING = 0.1;
  private static final double FIRST_DAMPING = 0.1;
  private static final int LEAST_RADIUS = 4;

  private final Device device;
  private final ReductionSettings settings;
  private final StarSolver solver;
  private final Planes planes;
  private final Reduction reduction;

  /**
   * Prepares an image: takes its sky off and works out the variance of the empty sky.
   *
   * @param device that the kernels run on
   * @param settings of which the stamps' radius, the neighbours and whether a sky is fitted with
   *     each star count
   * @param reduction whose image, sky and PSF are taken
   */
  public StarFit(Device device, ReductionSettings settings, Reduction reduction) {
    this.device = device;
    this.settings = settings;
    this.reduction = reduction;
    this.solver = new StarSolver(device);
    int width = reduction.image().width();
    int height = reduction.image().height();
    planes = new Planes(width, height);
    System.arraycopy(reduction.image().science(), 0, planes.image, 0, width * height);
    System.arraycopy(reduction.sky(), 0, planes.base, 0, width * height);
    BaseVarianceKernel base = new BaseVarianceKernel();
    base.take(planes, reduction.image().mask(), PixelFlag.UNUSABLE, reduction.image().response());
    base.subtracting = 1;
    base.readVariance = (float) (reduction.image().readNoise() * reduction.image().readNoise());
    base.least = 1e-4f;
    device.run(base, height);
  }

  /**
   * Stars with what was fitted, in the order in which they were given.
   *
   * @param x column of the centre
   * @param y row of the centre
   * @param flux electrons
   * @param sky electrons a pixel on top of the image's sky; 0 where none was fitted
   * @param errorFlux standard deviation of the flux, electrons, as the last step has it
   * @param radius half the side of the stamp each star was fitted on, pixels
   * @param sweeps steps that were taken
   */
  public record Fitted(
      double[] x,
      double[] y,
      float[] flux,
      float[] sky,
      float[] errorFlux,
      int[] radius,
      int sweeps) {}

  /**
   * Fits all stars together.
   *
   * @param psf of the image
   * @param x first guess of each star's column, right to a pixel
   * @param y first guess of its row
   * @param flux first guess of its flux, electrons
   * @param errorFlux first guess of its flux's standard deviation: faint stars get smaller stamps
   */
  public Fitted fit(Psf psf, double[] x, double[] y, float[] flux, float[] errorFlux) {
    int n = x.length;
    StarList stars = new StarList();
    stars.extend(n);
    for (int i = 0; i < n; i++) {
      stars.centreX[i] = (int) Math.round(x[i]);
      stars.centreY[i] = (int) Math.round(y[i]);
      stars.offsetX[i] = (float) (x[i] - stars.centreX[i]);
      stars.offsetY[i] = (float) (y[i] - stars.centreY[i]);
      stars.flux[i] = flux[i];
      stars.errorFlux[i] = errorFlux[i];
      stars.damping[i] = 1f;
      stars.moved[i] = StarList.FRESH;
      // The list is sorted on its way; this column goes with it and tells who is who.
      stars.pass[i] = i;
    }
    int width = planes.width;
    int height = planes.height;
    stars.photons(reduction.image().response(), width, height);
    Arrays.fill(planes.model, 0f);
    solver.begin(planes, settings.fitSky(), settings.maxGroup());
    solver.psf(psf, (int) Math.max(LEAST_RADIUS, Math.ceil(settings.stampRadius() * psf.fwhm())));
    solver.noise(reduction.summary().errorFloor(), reduction.summary().skyNoise());
    solver.arrange(stars);
    solver.draw(stars);
    solver.beginSweeps();
    int sweeps = 0;
    int moving = n;
    while (sweeps < MOST_SWEEPS && moving > MOST_MOVING * n) {
      double damping = sweeps == 0 ? FIRST_DAMPING : 0;
      moving = solver.sweep(stars, false, StarSolver.ROUGHLY_STILL, damping);
      sweeps++;
    }
    return inGivenOrder(stars, sweeps);
  }

  private Fitted inGivenOrder(StarList stars, int sweeps) {
    int n = stars.count();
    Fitted fitted =
        new Fitted(
            new double[n],
            new double[n],
            new float[n],
            new float[n],
            new float[n],
            new int[n],
            sweeps);
    for (int k = 0; k < n; k++) {
      int i = stars.pass[k];
      fitted.x[i] = stars.x(k);
      fitted.y[i] = stars.y(k);
      fitted.flux[i] = stars.flux[k];
      fitted.sky[i] = settings.fitSky() ? solver.sky(k) : 0f;
      fitted.errorFlux[i] = stars.errorFlux[k];
      fitted.radius[i] = solver.stampRadius(k);
    }
    return fitted;
  }

  /** The image less its sky, electrons; 0 where a pixel must not be used. Not a copy. */
  public float[] image() {
    return planes.image;
  }

  /** 1 / variance of each pixel with the stars as they were fitted last, 0 where not to be used. */
  public float[] weight() {
    float[] weight = new float[planes.base.length];
    float[] response = reduction.image().response();
    double error = reduction.summary().errorFloor();
    for (int i = 0; i < weight.length; i++) {
      if (planes.base[i] > 0) {
        double gain = response == null ? 1 : 1 / Math.max(response[i], 0.05);
        double light = Math.max(planes.model[i], 0);
        weight[i] = (float) (1 / (planes.base[i] + light * (gain + error * error * light)));
      }
    }
    return weight;
  }

  /** What the kernels run on. */
  public Device device() {
    return device;
  }
}
