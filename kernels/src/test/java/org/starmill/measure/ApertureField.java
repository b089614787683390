package org.starmill.measure;

import java.util.Arrays;
import java.util.Random;
import org.starmill.device.Device;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfModel;

/** An image of stars whose model is known, ready to be measured in apertures. */
final class ApertureField {
  static final float BASE = 100f;

  final Planes planes;
  final Psf psf;
  final StarList stars = new StarList();
  private final Device device;

  /** Stars at the given places, all with the same flux, on an image without noise. */
  ApertureField(Device device, int side, double fwhm, double[] x, double[] y, double flux) {
    this.device = device;
    planes = new Planes(side, side);
    psf = Psf.round(PsfModel.MOFFAT, side, side, fwhm, 3);
    Arrays.fill(planes.base, BASE);
    int n = x.length;
    stars.extend(n);
    for (int i = 0; i < n; i++) {
      stars.centreX[i] = (int) Math.round(x[i]);
      stars.centreY[i] = (int) Math.round(y[i]);
      stars.offsetX[i] = (float) (x[i] - stars.centreX[i]);
      stars.offsetY[i] = (float) (y[i] - stars.centreY[i]);
      stars.flux[i] = (float) flux;
      stars.photon[i] = 1f;
      stars.errorFlux[i] = 50f;
    }
    draw();
    System.arraycopy(planes.model, 0, planes.image, 0, planes.image.length);
    draw();
  }

  /** One star near the middle of a small image. */
  static ApertureField of(Device device, double x, double y, double flux) {
    return new ApertureField(device, 101, 2.3, new double[] {x}, new double[] {y}, flux);
  }

  /** Stars on a grid, far from each other, at random places within their pixels. */
  static ApertureField grid(Device device, int perSide, double flux, long seed) {
    Random random = new Random(seed);
    int step = 34;
    double[] x = new double[perSide * perSide];
    double[] y = new double[perSide * perSide];
    for (int i = 0; i < x.length; i++) {
      x[i] = step * (i % perSide + 0.5) + random.nextDouble();
      y[i] = step * (i / perSide + 0.5) + random.nextDouble();
    }
    return new ApertureField(device, step * perSide, 2.1, x, y, flux);
  }

  /** Draws the model as the stars are now. */
  void draw() {
    drawWith(device);
  }

  StarSolver drawWith(Device with) {
    StarSolver solver = new StarSolver(with);
    solver.begin(planes, false, 0);
    solver.noise(0, 10);
    solver.psf(psf, 9);
    solver.arrange(stars);
    solver.draw(stars);
    return solver;
  }

  /** Adds the noise of the model's variance to the image. */
  void addNoise(Random random) {
    for (int i = 0; i < planes.image.length; i++) {
      double variance = planes.base[i] + Math.max(0, planes.model[i]);
      planes.image[i] += (float) (Math.sqrt(variance) * random.nextGaussian());
    }
    draw();
  }

  void mask(int x, int y) {
    planes.image[y * planes.width + x] = 0;
    planes.base[y * planes.width + x] = 0;
    draw();
  }

  Fluxes measure(Device with, ApertureSettings settings) {
    drawWith(with).measure(new Apertures(with, settings), stars);
    return new Fluxes(stars.aperFlux, stars.aperError);
  }

  Fluxes measure(ApertureSettings settings) {
    return measure(device, settings);
  }

  /** Electrons, by aperture then by star. */
  record Fluxes(float[][] flux, float[][] error) {}
}
