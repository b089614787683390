package org.starmill.psf;

import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import org.starmill.device.Device;
import org.starmill.device.Devices;
import org.starmill.image.ImageRejected;

/**
 * Fits the PSF's polynomials to the pixels of many stars at once.
 *
 * <p>Gauss-Newton on all pixels of all stars: unknown are the polynomials' coefficients and, for
 * each star, x, y, flux and a local sky. A kernel sums each star's 8 x 8 normal system; its own
 * four unknowns are eliminated ({@link StarSystem}), what is left is chained to the coefficients
 * and summed over the stars. The result is the maximum of the likelihood, so that stars of every
 * brightness count by what they know. Stars whose width, ellipticity or chi^2 do not go with the
 * others (galaxies, blends, cosmic rays) are left out, by median and MAD, and taken in again if
 * they fit. Few stars carry polynomials of low order only, about five stars a term.
 *
 * <p>Not safe for use by several threads at once.
 */
public final class PsfFit {
  /** Relative error of the PSF in any pixel that the fit reckons with. */
  private static final double MODEL_ERROR = 0.001;

  private static final int ITERATIONS = 12;

  /** Gain of chi squared, over all coefficients, by the last step: a third of one's error. */
  private static final double CONVERGED = 0.1;

  /** Stars for each term of a polynomial, and stars from which on beta may vary over the field. */
  private static final int STARS_A_TERM = 5;

  private static final int STARS_FOR_BETA = 60;

  /** Narrowest PSF in pixels, and widest as a share of the image's shorter side. */
  private static final double NARROWEST = 0.5;

  private static final double WIDEST = 0.25;

  /** Factor that the FWHM of a corner may differ by from that of the middle of the field. */
  private static final double MOST_VARIATION = 2.5;

  private static final double MIN_BETA = 1.3;
  private static final double MAX_BETA = 12;

  private final Device device;
  private final TargetKernel targets = new TargetKernel();
  private final PsfNormalKernel normal = new PsfNormalKernel();

  public PsfFit(Device device) {
    this.device = device;
  }

  /**
   * What a fit gave.
   *
   * @param psf the PSF
   * @param used which of the stars it was fitted to
   * @param chi2 reduced chi squared of their pixels
   */
  public record Result(Psf psf, boolean[] used, double chi2) {
    /** Number of stars the PSF was fitted to. */
    public int stars() {
      return count(used);
    }
  }

  /**
   * Fits a PSF.
   *
   * @param residual electrons: image less sky and all stars' model, row-major
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param width columns
   * @param height rows
   * @param stars candidates, as {@code start} drew them into the model
   * @param start the PSF of the model, from which the fit starts
   * @param order highest total order of the polynomials; less with few stars
   * @param beta Moffat's beta where it is held, NaN to fit it
   * @param minStars fewest stars, at least 1
   * @param stampRadius half side of a star's stamp, pixels
   * @throws ImageRejected "psf failed" where too few stars are alike or the fit runs away
   */
  public Result fit(
      float[] residual,
      float[] base,
      int width,
      int height,
      PsfStars stars,
      Psf start,
      int order,
      double beta,
      int minStars,
      int stampRadius) {
    int n = stars.count();
    demandEnough(n, n, minStars);
    prepare(residual, base, width, height, stars, start, stampRadius);
    boolean fitBeta = start.model() == PsfModel.MOFFAT && Double.isNaN(beta);
    Psf psf = withOrders(start, orders(n, order, fitBeta));
    if (start.model() == PsfModel.MOFFAT && !fitBeta) {
      psf = withBeta(psf, beta);
    }
    // A PSF that varies already is that of an earlier fit: it says who is alike.
    boolean warm = start.varies() && psf.coefficients().length == start.coefficients().length;
    boolean[] used = new boolean[n];
    double chi2 = Double.NaN;
    boolean done = false;
    for (int iteration = 0; iteration < ITERATIONS && !done; iteration++) {
      StarSystem[] systems = systems(psf, stars);
      boolean[] before = used.clone();
      if (iteration == 0 && !warm) {
        keepRegular(systems, used);
      } else {
        keepAlike(systems, used);
      }
      int kept = count(used);
      demandEnough(kept, n, minStars);
      Psf ordered = withOrders(psf, orders(kept, order, fitBeta));
      if (ordered.coefficients().length < psf.coefficients().length) {
        // The systems are those of a PSF with terms that now are gone.
        systems = systems(ordered, stars);
        for (int i = 0; i < n; i++) {
          used[i] &= systems[i].isRegular();
        }
        kept = count(used);
        demandEnough(kept, n, minStars);
      }
      Step step = solve(ordered, stars, systems, used, fitBeta);
      psf = step.psf;
      chi2 = step.chi2;
      advance(systems, step.shapeSteps);
      int changed = 0;
      for (int i = 0; i < n; i++) {
        changed += used[i] == before[i] ? 0 : 1;
      }
      done = step.gain < CONVERGED && changed <= kept / 50;
    }
    if (psf.varies() && runsAway(psf)) {
      // The stars leave a part of the field to guesswork: less freedom, fewer wild guesses.
      int lower = Psf.order(psf.polynomials()[Psf.LOG_FWHM].length) - 1;
      return fit(residual, base, width, height, stars, start, lower, beta, minStars, stampRadius);
    }
    demandWidth(psf, count(used));
    return new Result(psf, used, chi2);
  }

  /** Whether the FWHM of a corner of the field has little to do with that of the middle. */
  private static boolean runsAway(Psf psf) {
    for (int corner = 0; corner < 4; corner++) {
      double x = corner % 2 * (psf.width() - 1);
      double y = corner / 2 * (psf.height() - 1);
      if (!(Math.abs(Math.log(psf.fwhmAt(x, y) / psf.fwhm())) < Math.log(MOST_VARIATION))) {
        return true;
      }
    }
    return false;
  }

  private static void demandEnough(int found, int candidates, int minStars) {
    if (found < minStars) {
      throw new ImageRejected(
          "psf failed",
          "%d of %d bright, unsaturated, isolated stars are alike; expected at least %d (psf.min-stars)"
              .formatted(found, candidates, minStars));
    }
  }

  private static void demandWidth(Psf psf, int stars) {
    double fwhm = psf.fwhm();
    double widest = WIDEST * Math.min(psf.width(), psf.height());
    if (!(fwhm > NARROWEST) || !(fwhm < widest)) {
      throw new ImageRejected(
          "psf failed",
          "the fit to %d stars ran to a FWHM of %.2f pixels; expected %.1f to %.1f (a quarter of the image). Look at the frame, or hold psf.beta and lower psf.order"
              .formatted(stars, fwhm, NARROWEST, widest));
    }
  }

  /** The orders of the four polynomials that a number of stars can carry. */
  private static int[] orders(int stars, int order, boolean fitBeta) {
    int carried = 0;
    while (carried < order && stars >= STARS_A_TERM * Psf.terms(carried + 1)) {
      carried++;
    }
    int beta = fitBeta && stars >= STARS_FOR_BETA ? Math.min(1, carried) : 0;
    return new int[] {carried, carried, carried, beta};
  }

  /** The same PSF with polynomials of other orders: terms added are 0, terms dropped are lost. */
  private static Psf withOrders(Psf psf, int[] orders) {
    double[][] polynomials = psf.polynomials();
    for (int i = 0; i < 4; i++) {
      polynomials[i] = Arrays.copyOf(polynomials[i], Psf.terms(orders[i]));
    }
    return new Psf(psf.model(), psf.width(), psf.height(), polynomials);
  }

  private static Psf withBeta(Psf psf, double beta) {
    double[][] polynomials = psf.polynomials();
    polynomials[Psf.BETA] = new double[] {beta};
    return new Psf(psf.model(), psf.width(), psf.height(), polynomials);
  }

  /** Cuts out the stars; their own x, y, flux and sky stand in the normal kernel from here on. */
  void prepare(
      float[] residual,
      float[] base,
      int width,
      int height,
      PsfStars stars,
      Psf start,
      int stampRadius) {
    int n = stars.count();
    int side = 2 * stampRadius + 1;
    int stride = Devices.VECTORS ? PsfStamps.stride(stampRadius) : side;
    targets.configure(start.model(), start.fwhm());
    targets.width = width;
    targets.height = height;
    targets.stampRadius = stampRadius;
    targets.stride = stride;
    targets.residual = residual;
    targets.base = base;
    targets.centreX = stars.centreX();
    targets.centreY = stars.centreY();
    targets.offsetX = stars.offsetX();
    targets.offsetY = stars.offsetY();
    targets.flux = stars.flux();
    targets.form = forms(start, stars);
    targets.target = new float[n * side * stride];
    targets.variance = new float[n * side * stride];
    device.run(targets, n);

    normal.stampRadius = stampRadius;
    normal.stride = stride;
    normal.modelVariance = (float) (MODEL_ERROR * MODEL_ERROR);
    normal.offsetX = stars.offsetX().clone();
    normal.offsetY = stars.offsetY().clone();
    normal.flux = stars.flux().clone();
    normal.sky = new float[n];
    normal.photon = stars.photon();
    normal.target = targets.target;
    normal.variance = targets.variance;
    normal.work = new float[n * PsfNormalKernel.WORK];
    normal.sums = new float[n * PsfNormalKernel.SUMS];
  }

  /**
   * The forms of all stars; a star's shape is that at the place it had when the fit began, for the
   * tenths of a pixel it moves change nothing.
   */
  private static float[] forms(Psf psf, PsfStars stars) {
    float[] form = new float[stars.count() * PsfKernel.FORM];
    for (int i = 0; i < stars.count(); i++) {
      psf.formAt(stars.x(i), stars.y(i), form, i * PsfKernel.FORM);
    }
    return form;
  }

  /** Sums the stars' normal systems. */
  void sum(Psf psf, PsfStars stars) {
    normal.configure(psf.model(), psf.fwhm());
    normal.form = forms(psf, stars);
    device.run(normal, stars.count());
  }

  /** What {@link #sum} summed, {@link PsfNormalKernel#SUMS} numbers a star. */
  float[] sums() {
    return normal.sums;
  }

  private StarSystem[] systems(Psf psf, PsfStars stars) {
    sum(psf, stars);
    StarSystem[] systems = new StarSystem[stars.count()];
    for (int i = 0; i < systems.length; i++) {
      systems[i] =
          new StarSystem(
              normal.sums, i * PsfNormalKernel.SUMS, psf.formByShape(stars.x(i), stars.y(i)));
    }
    return systems;
  }

  /** Moves the stars' own x, y, flux and sky along with a step of the PSF. */
  private void advance(StarSystem[] systems, double[][] shapeSteps) {
    for (int i = 0; i < systems.length; i++) {
      double[] own = systems[i].ownStep(shapeSteps[i]);
      if (own == null) {
        continue;
      }
      double longest = Math.max(Math.abs(own[0]), Math.abs(own[1]));
      double damp = longest > 0.5 ? 0.5 / longest : 1;
      normal.offsetX[i] += (float) (damp * own[0]);
      normal.offsetY[i] += (float) (damp * own[1]);
      normal.flux[i] = (float) Math.max(normal.flux[i] * 0.3, normal.flux[i] + own[2]);
      normal.sky[i] += (float) own[3];
    }
  }

  private static void keepRegular(StarSystem[] systems, boolean[] used) {
    for (int i = 0; i < systems.length; i++) {
      used[i] = systems[i].isRegular();
    }
  }

  /**
   * Keeps the stars whose own width and ellipticity lie about the median of all: within 3.5 robust
   * deviations, of the sample or of the star's own error, whichever is more. Then those whose chi
   * squared is not above that of the others.
   */
  private static void keepAlike(StarSystem[] systems, boolean[] used) {
    keepRegular(systems, used);
    for (int quantity = 0; quantity < 3; quantity++) {
      int q = quantity;
      if (count(used) >= 3) {
        Spread spread = Spread.of(systems, used, system -> system.ownShape[q]);
        for (int i = 0; i < systems.length; i++) {
          if (used[i]) {
            double deviation = Math.max(Math.max(spread.deviation, systems[i].errorOf(q)), 0.002);
            used[i] = Math.abs(systems[i].ownShape[q] - spread.median) <= 3.5 * deviation;
          }
        }
      }
    }
    if (count(used) >= 3) {
      Spread spread = Spread.of(systems, used, StarSystem::logChi2);
      for (int i = 0; i < systems.length; i++) {
        used[i] &= systems[i].logChi2() - spread.median <= 3.5 * Math.max(spread.deviation, 0.1);
      }
    }
  }

  /** Median of a quantity over the stars in use, and 1.4826 times its median absolute deviation. */
  private record Spread(double median, double deviation) {
    static Spread of(StarSystem[] systems, boolean[] used, ToDoubleFunction<StarSystem> quantity) {
      double[] values = new double[count(used)];
      int n = 0;
      for (int i = 0; i < systems.length; i++) {
        if (used[i]) {
          values[n++] = quantity.applyAsDouble(systems[i]);
        }
      }
      Arrays.sort(values);
      double median = values[n / 2];
      for (int i = 0; i < n; i++) {
        values[i] = Math.abs(values[i] - median);
      }
      Arrays.sort(values);
      return new Spread(median, 1.4826 * values[n / 2]);
    }
  }

  private static int count(boolean[] used) {
    int n = 0;
    for (boolean one : used) {
      n += one ? 1 : 0;
    }
    return n;
  }

  /**
   * A PSF one step on.
   *
   * @param shapeSteps what it changed of each star's shape
   * @param gain what the step should take off chi squared
   * @param chi2 reduced chi squared of the stars in use, before the step
   */
  private record Step(Psf psf, double[][] shapeSteps, double gain, double chi2) {}

  private static Step solve(
      Psf psf, PsfStars stars, StarSystem[] systems, boolean[] used, boolean fitBeta) {
    double[][] polynomials = psf.polynomials();
    int parts = fitBeta ? 4 : 3;
    int[] start = new int[5];
    for (int i = 0; i < parts; i++) {
      start[i + 1] = start[i] + polynomials[i].length;
    }
    int size = start[parts];
    double[][] matrix = new double[size][size];
    double[] right = new double[size];
    int n = stars.count();
    // Terms of a lower order come first in those of a higher one: one basis serves all polynomials.
    int longest = 0;
    for (double[] polynomial : polynomials) {
      longest = Math.max(longest, polynomial.length);
    }
    int order = Psf.order(longest);
    double[][] basis = new double[n][longest];
    double chi2 = 0;
    double pixels = 0;
    for (int star = 0; star < n; star++) {
      psf.basis(stars.x(star), stars.y(star), order, basis[star]);
      StarSystem system = systems[star];
      if (!used[star]) {
        continue;
      }
      chi2 += system.chi2;
      pixels += system.pixels - 4;
      for (int a = 0; a < parts; a++) {
        for (int i = 0; i < polynomials[a].length; i++) {
          double left = basis[star][i];
          right[start[a] + i] += left * system.gradient[a];
          for (int b = 0; b < parts; b++) {
            for (int j = 0; j < polynomials[b].length; j++) {
              matrix[start[a] + i][start[b] + j] += left * system.matrix[a][b] * basis[star][j];
            }
          }
        }
      }
    }
    for (int i = 0; i < size; i++) {
      matrix[i][i] = matrix[i][i] * (1 + 1e-6) + 1e-12;
    }
    double[][] inverse = DenseMatrix.inverseOfPositive(matrix);
    if (inverse == null) {
      throw new ImageRejected(
          "psf failed",
          "the %d stars do not determine the PSF (singular system of %d unknowns); lower psf.order or hold psf.beta"
              .formatted(count(used), size));
    }
    double[] step = DenseMatrix.times(inverse, right);
    // ln FWHM, ellipticity: a tenth or two a step keeps a bad start from running away.
    double[] limits = {0.2, 0.1, 0.1, 0.5};
    double damp = 1;
    for (int a = 0; a < parts; a++) {
      damp = Math.min(damp, limits[a] / Math.max(limits[a], Math.abs(step[start[a]])));
    }
    double gain = 0;
    for (int a = 0; a < parts; a++) {
      for (int i = 0; i < polynomials[a].length; i++) {
        polynomials[a][i] += damp * step[start[a] + i];
        gain += step[start[a] + i] * right[start[a] + i];
      }
    }
    polynomials[Psf.BETA][0] = Math.max(MIN_BETA, Math.min(MAX_BETA, polynomials[Psf.BETA][0]));
    double[][] shapeSteps = new double[n][4];
    for (int star = 0; star < n; star++) {
      for (int a = 0; a < parts; a++) {
        for (int i = 0; i < polynomials[a].length; i++) {
          shapeSteps[star][a] += damp * step[start[a] + i] * basis[star][i];
        }
      }
    }
    return new Step(
        new Psf(psf.model(), psf.width(), psf.height(), polynomials),
        shapeSteps,
        gain,
        chi2 / Math.max(1, pixels));
  }
}
