package org.starmill.measure;

import java.util.Arrays;
import java.util.Random;
import org.starmill.device.Device;
import org.starmill.image.Image;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;
import org.starmill.sample.CameraSettings;
import org.starmill.sample.PsfKind;
import org.starmill.sample.SimulatedCamera;

/** Moffat stars of beta 3 drawn on a flat sky, with photon and read noise of a known PSF. */
final class DrawnScene {
  static final double READ_NOISE = 10;

  final int width;
  final int height;
  final double sky;
  final double fwhm;
  final double[] x;
  final double[] y;
  final double[] flux;

  /** Noise-free light of the stars, row-major. */
  final double[] light;

  DrawnScene(
      int width, int height, double sky, double fwhm, double[] x, double[] y, double[] flux) {
    this.width = width;
    this.height = height;
    this.sky = sky;
    this.fwhm = fwhm;
    this.x = x;
    this.y = y;
    this.flux = flux;
    light =
        new SimulatedCamera(
                CameraSettings.ztfLike()
                    .withSize(width, height)
                    .withConstantPsf(PsfKind.MOFFAT, fwhm))
            .drawStars(width, height, x, y, flux);
  }

  int count() {
    return x.length;
  }

  Psf psf() {
    return psf(1);
  }

  /** The stars' PSF, wider by a factor. */
  Psf psf(double wider) {
    return Psf.round(PsfModel.MOFFAT, width, height, wider * fwhm, 3);
  }

  /** Error of the flux of a star alone on the sky, its own light included, electrons. */
  static double bound(double flux, double sky, double fwhm) {
    int size = 61;
    double[] one =
        new DrawnScene(
                size, size, sky, fwhm, new double[] {30.2}, new double[] {29.9}, new double[] {1})
            .light;
    double information = 0;
    for (double p : one) {
      information += p * p / (sky + READ_NOISE * READ_NOISE + flux * p);
    }
    return 1 / Math.sqrt(information);
  }

  /** The flux that has a signal-to-noise on this sky. */
  static double fluxOf(double signal, double sky, double fwhm) {
    double flux = signal * bound(0, sky, fwhm);
    for (int i = 0; i < 20; i++) {
      flux = signal * bound(flux, sky, fwhm);
    }
    return flux;
  }

  /** The image with sky and noise. */
  Image image(long seed) {
    Random random = new Random(seed);
    float[] science = new float[width * height];
    float[] variance = new float[science.length];
    for (int i = 0; i < science.length; i++) {
      variance[i] = (float) (sky + light[i] + READ_NOISE * READ_NOISE);
      science[i] = (float) (sky + light[i] + Math.sqrt(variance[i]) * random.nextGaussian());
    }
    return new Image(science, variance, new short[science.length], null, width, height, READ_NOISE);
  }

  /** The planes that a solver takes: the sky is known. */
  Planes planes(Image image) {
    Planes planes = new Planes(width, height);
    for (int i = 0; i < planes.image.length; i++) {
      planes.image[i] = (float) (image.science()[i] - sky);
      planes.base[i] = (float) (sky + READ_NOISE * READ_NOISE);
    }
    return planes;
  }

  /**
   * All stars, each known a tenth of a pixel off its place and with a flux up to 20 % off; their
   * pass is their number here, for a solver sorts them.
   */
  StarList known(long seed) {
    Random random = new Random(seed);
    StarList stars = new StarList();
    stars.extend(count());
    for (int i = 0; i < count(); i++) {
      double angle = 2 * Math.PI * random.nextDouble();
      double px = x[i] + 0.1 * Math.cos(angle);
      double py = y[i] + 0.1 * Math.sin(angle);
      stars.centreX[i] = (int) Math.round(px);
      stars.centreY[i] = (int) Math.round(py);
      stars.offsetX[i] = (float) (px - stars.centreX[i]);
      stars.offsetY[i] = (float) (py - stars.centreY[i]);
      stars.flux[i] = (float) (flux[i] * (0.8 + 0.4 * random.nextDouble()));
      stars.errorFlux[i] = (float) (0.02 * flux[i]);
      stars.photon[i] = 1f;
      stars.crowding[i] = 1f;
      stars.quality[i] = 1f;
      stars.pass[i] = i;
    }
    stars.unsettle();
    return stars;
  }

  /** A solver for the planes, with its stars arranged and drawn. */
  StarSolver solver(Device device, Planes planes, StarList stars, Psf psf, int neighbours) {
    StarSolver solver = new StarSolver(device);
    solver.begin(planes, false, neighbours);
    solver.psf(psf, (int) Math.ceil(3.5 * fwhm));
    solver.noise(0, Math.sqrt(sky + READ_NOISE * READ_NOISE));
    solver.arrange(stars);
    solver.draw(stars);
    return solver;
  }

  /** Sweeps until all stars stand still, or so often; how many do not stand still then. */
  static int settle(StarSolver solver, StarList stars, int sweeps) {
    int restless = stars.count();
    for (int sweep = 0; sweep < sweeps && restless > 0; sweep++) {
      restless = solver.sweep(stars, false, StarSolver.STILL, sweep == 0 ? 0.1 : 0);
    }
    return restless;
  }

  /** Where in a list each drawn star is. */
  int[] places(StarList stars) {
    int[] place = new int[count()];
    for (int k = 0; k < stars.count(); k++) {
      place[stars.pass[k]] = k;
    }
    return place;
  }

  /** Measured stars within a distance of a place. */
  static int[] within(Stars stars, double x, double y, double distance) {
    return java.util.stream.IntStream.range(0, stars.count())
        .filter(k -> Math.hypot(stars.x()[k] - x, stars.y()[k] - y) < distance)
        .toArray();
  }

  static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }

  static double standardDeviation(double[] values) {
    double mean = mean(values);
    return Math.sqrt(
        Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1));
  }
}
