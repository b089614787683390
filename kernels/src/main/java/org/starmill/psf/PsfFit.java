package org.starmill.psf;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.image.ImageRejected;

/**
 * Fits the PSF's polynomials to the pixels of many stars at once.
 *
 * <p>Gauss-Newton on all pixels of all stars: unknown are the polynomials' coefficients and, for
 * each star, x, y, flux and a local sky. A kernel sums each star's 8 x 8 normal system; its own
 * four unknowns are eliminated (Schur complement), what is left is chained to the coefficients and
 * summed over the stars. The result is the maximum of the likelihood, so that stars of every
 * brightness count by what they know. Stars whose width, ellipticity or chi^2 do not go with the
 * others (galaxies, blends, cosmic rays) are left out, by median and MAD, and taken in again if
 * they fit.
 */
public final class PsfFit {
  /** Relative error of the PSF in any pixel that the fit reckons with. */
  private static final double MODEL_ERROR = 0.003;

  private static final int ITERATIONS = 12;
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
    public int stars() {
      int n = 0;
      for (boolean one : used) {
        n += one ? 1 : 0;
      }
      return n;
    }
  }

  /**
   * Fits a PSF.
   *
   * @param residual electrons: image less sky and all stars' model
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param width columns
   * @param height rows
   * @param stars candidates, as {@code start} drew them into the model
   * @param start the PSF of the model, from which the fit starts
   * @param order highest total order of the polynomials; less with few stars
   * @param beta Moffat's beta where it is held, NaN to fit it
   * @param minStars fewest stars
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
    boolean[] used = new boolean[n];
    Arrays.fill(used, true);
    if (n < minStars) {
      throw tooFew(n, n, minStars);
    }
    Unknowns unknowns = prepare(residual, base, width, height, stars, start, stampRadius);
    boolean fitBeta = start.model() == PsfModel.MOFFAT && Double.isNaN(beta);
    double[][] polynomials = grown(start, orders(n, order, fitBeta));
    if (start.model() == PsfModel.MOFFAT && !fitBeta) {
      polynomials[Psf.BETA] = new double[] {beta};
    }
    Psf psf = new Psf(start.model(), width, height, polynomials);
    double chi2 = Double.NaN;
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      run(psf, stars, unknowns);
      StarSystem[] systems = systems(psf, stars, fitBeta);
      if (iteration > 0) {
        select(systems, used);
      }
      int kept = count(used);
      if (kept < minStars) {
        throw tooFew(kept, n, minStars);
      }
      int[] orders = orders(kept, order, fitBeta);
      psf = new Psf(start.model(), width, height, grown(psf, orders));
      Step step = solve(psf, stars, systems, used, fitBeta);
      psf = step.psf;
      chi2 = step.chi2;
      unknowns.advance(systems, step.shapeSteps);
      if (iteration >= 4 && step.largest < 1e-5) {
        break;
      }
    }
    double fwhm = psf.fwhm();
    if (!(fwhm > 0.5) || !(fwhm < Math.min(width, height) / 4.0)) {
      throw new ImageRejected(
          "psf failed",
          "the fit to %d stars ran to a FWHM of %.2f pixels; expected 0.5 to a quarter of the image. Look at the frame, or hold psf.beta and lower psf.order"
              .formatted(count(used), fwhm));
    }
    return new Result(psf, used, chi2);
  }

  private static ImageRejected tooFew(int found, int candidates, int minStars) {
    return new ImageRejected(
        "psf failed",
        "%d of %d bright, unsaturated, isolated stars are alike; expected at least %d (psf.min-stars)"
            .formatted(found, candidates, minStars));
  }

  /** The orders of the four polynomials that a number of stars can carry. */
  private static int[] orders(int stars, int order, boolean fitBeta) {
    int carried = 0;
    // About five stars for each term of a polynomial.
    while (carried < order && stars >= 5 * Psf.terms(carried + 1)) {
      carried++;
    }
    int beta = fitBeta && stars >= 60 ? Math.min(1, carried) : 0;
    return new int[] {carried, carried, carried, beta};
  }

  /** The same PSF with polynomials of other orders: terms added are 0, terms dropped are lost. */
  private static double[][] grown(Psf psf, int[] orders) {
    double[][] polynomials = psf.polynomials();
    for (int i = 0; i < 4; i++) {
      polynomials[i] = Arrays.copyOf(polynomials[i], Psf.terms(orders[i]));
    }
    return polynomials;
  }

  /** The stars' own parameters during the fit. */
  private final class Unknowns {
    void advance(StarSystem[] systems, double[][] shapeSteps) {
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
  }

  private Unknowns prepare(
      float[] residual,
      float[] base,
      int width,
      int height,
      PsfStars stars,
      Psf start,
      int stampRadius) {
    int n = stars.count();
    int side = 2 * stampRadius + 1;
    float[] form = forms(start, stars);
    targets.configure(start.model(), start.fwhm());
    targets.width = width;
    targets.height = height;
    targets.stampRadius = stampRadius;
    targets.residual = residual;
    targets.base = base;
    targets.centreX = stars.centreX();
    targets.centreY = stars.centreY();
    targets.offsetX = stars.offsetX();
    targets.offsetY = stars.offsetY();
    targets.flux = stars.flux();
    targets.form = form;
    targets.target = new float[n * side * side];
    device.run(targets, n);

    normal.width = width;
    normal.height = height;
    normal.stampRadius = stampRadius;
    normal.modelVariance = (float) (MODEL_ERROR * MODEL_ERROR);
    normal.base = base;
    normal.centreX = stars.centreX();
    normal.centreY = stars.centreY();
    normal.offsetX = stars.offsetX().clone();
    normal.offsetY = stars.offsetY().clone();
    normal.flux = stars.flux().clone();
    normal.sky = new float[n];
    normal.photon = stars.photon();
    normal.target = targets.target;
    normal.work = new float[n * PsfNormalKernel.WORK];
    normal.sums = new float[n * PsfNormalKernel.SUMS];
    return new Unknowns();
  }

  private static float[] forms(Psf psf, PsfStars stars) {
    float[] form = new float[stars.count() * PsfKernel.FORM];
    for (int i = 0; i < stars.count(); i++) {
      psf.formAt(
          stars.centreX()[i] + stars.offsetX()[i],
          stars.centreY()[i] + stars.offsetY()[i],
          form,
          i * PsfKernel.FORM);
    }
    return form;
  }

  private void run(Psf psf, PsfStars stars, Unknowns unknowns) {
    normal.configure(psf.model(), psf.fwhm());
    normal.form = forms(psf, stars);
    device.run(normal, stars.count());
  }

  /** One star's normal system by ln FWHM, e1, e2, beta, its own four unknowns eliminated. */
  private static final class StarSystem {
    /** Reduced matrix and gradient by the shape; null where the star's own system is singular. */
    double[][] matrix;

    double[] gradient;
    double chi2;
    double pixels;

    /** Own inverse, cross terms and gradient, for the way back. */
    private double[][] ownInverse;

    private double[][] cross;
    private double[] ownGradient;

    /** What a star alone would change of its shape: ln FWHM, e1, e2 (beta held). */
    double[] ownShape;

    double[] ownStep(double[] shapeStep) {
      if (matrix == null) {
        return null;
      }
      double[] right = new double[4];
      for (int i = 0; i < 4; i++) {
        right[i] = ownGradient[i];
        for (int j = 0; j < 4; j++) {
          right[i] -= cross[j][i] * shapeStep[j];
        }
      }
      return DenseMatrix.times(ownInverse, right);
    }
  }

  private StarSystem[] systems(Psf psf, PsfStars stars, boolean fitBeta) {
    int n = stars.count();
    StarSystem[] systems = new StarSystem[n];
    for (int star = 0; star < n; star++) {
      int o = star * PsfNormalKernel.SUMS;
      double[][] h = new double[8][8];
      int k = o;
      for (int a = 0; a < 8; a++) {
        for (int b = 0; b <= a; b++) {
          h[a][b] = normal.sums[k];
          h[b][a] = normal.sums[k];
          k++;
        }
      }
      double[][] chain =
          psf.formByShape(
              stars.centreX()[star] + stars.offsetX()[star],
              stars.centreY()[star] + stars.offsetY()[star]);
      StarSystem system = new StarSystem();
      systems[star] = system;
      system.chi2 = normal.sums[o + 44];
      system.pixels = normal.sums[o + 45];
      double[][] own = new double[4][4];
      double[][] cross = new double[4][4];
      double[][] shape = new double[4][4];
      system.ownGradient = new double[4];
      double[] shapeGradient = new double[4];
      for (int a = 0; a < 4; a++) {
        system.ownGradient[a] = normal.sums[o + 36 + a];
        for (int b = 0; b < 4; b++) {
          own[a][b] = h[a][b];
          for (int m = 0; m < 4; m++) {
            // cross: shape parameter a with own parameter b.
            cross[a][b] += chain[m][a] * h[4 + m][b];
            for (int l = 0; l < 4; l++) {
              shape[a][b] += chain[m][a] * h[4 + m][4 + l] * chain[l][b];
            }
          }
        }
        for (int m = 0; m < 4; m++) {
          shapeGradient[a] += chain[m][a] * normal.sums[o + 40 + m];
        }
      }
      double[][] inverse = DenseMatrix.inverseOfPositive(own);
      if (inverse == null || system.pixels < 12) {
        continue;
      }
      system.ownInverse = inverse;
      system.cross = cross;
      system.matrix = new double[4][4];
      system.gradient = new double[4];
      double[] solved = DenseMatrix.times(inverse, system.ownGradient);
      for (int a = 0; a < 4; a++) {
        double[] row = DenseMatrix.times(inverse, cross[a]);
        for (int b = 0; b < 4; b++) {
          system.matrix[a][b] = shape[a][b];
          for (int m = 0; m < 4; m++) {
            system.matrix[a][b] -= row[m] * cross[b][m];
          }
        }
        system.gradient[a] = shapeGradient[a];
        for (int m = 0; m < 4; m++) {
          system.gradient[a] -= cross[a][m] * solved[m];
        }
      }
      system.ownShape = alone(system);
    }
    return systems;
  }

  private static double[] alone(StarSystem system) {
    double[][] three = new double[3][3];
    double[] right = new double[3];
    for (int a = 0; a < 3; a++) {
      right[a] = system.gradient[a];
      for (int b = 0; b < 3; b++) {
        three[a][b] = system.matrix[a][b];
      }
    }
    double[][] inverse = DenseMatrix.inverseOfPositive(three);
    return inverse == null ? null : DenseMatrix.times(inverse, right);
  }

  /**
   * Keeps the stars whose own width and ellipticity lie about the median of all: within 3.5 robust
   * deviations, of the sample or of the star's own error, whichever is more.
   */
  private static void select(StarSystem[] systems, boolean[] used) {
    int n = systems.length;
    boolean[] keep = new boolean[n];
    for (int i = 0; i < n; i++) {
      keep[i] = systems[i].matrix != null && systems[i].ownShape != null;
    }
    for (int quantity = 0; quantity < 4; quantity++) {
      double[] values = new double[n];
      int count = 0;
      for (int i = 0; i < n; i++) {
        if (keep[i]) {
          values[count++] = quantityOf(systems[i], quantity);
        }
      }
      if (count < 3) {
        break;
      }
      double[] sorted = Arrays.copyOf(values, count);
      Arrays.sort(sorted);
      double median = sorted[count / 2];
      double[] deviation = new double[count];
      for (int i = 0; i < count; i++) {
        deviation[i] = Math.abs(sorted[i] - median);
      }
      Arrays.sort(deviation);
      double scatter = 1.4826 * deviation[count / 2];
      for (int i = 0; i < n; i++) {
        if (keep[i]) {
          double own =
              quantity < 3
                  ? 1 / Math.sqrt(Math.max(systems[i].matrix[quantity][quantity], 1e-30))
                  : 0;
          double limit = 3.5 * Math.max(Math.max(scatter, own), quantity < 3 ? 0.002 : 0.1);
          double distance = quantityOf(systems[i], quantity) - median;
          keep[i] = quantity < 3 ? Math.abs(distance) <= limit : distance <= limit;
        }
      }
    }
    System.arraycopy(keep, 0, used, 0, n);
  }

  /**
   * 0 to 2: the star's own ln FWHM, e1, e2 less the PSF's; 3: its reduced chi squared, logarithm.
   */
  private static double quantityOf(StarSystem system, int quantity) {
    return quantity < 3
        ? system.ownShape[quantity]
        : Math.log(Math.max(1e-3, system.chi2 / Math.max(1, system.pixels - 8)));
  }

  private static int count(boolean[] used) {
    int n = 0;
    for (boolean one : used) {
      n += one ? 1 : 0;
    }
    return n;
  }

  /** A PSF one step on. */
  private record Step(Psf psf, double[][] shapeSteps, double largest, double chi2) {}

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
    int longest = 0;
    for (double[] polynomial : polynomials) {
      longest = Math.max(longest, polynomial.length);
    }
    int order = 0;
    while (Psf.terms(order) < longest) {
      order++;
    }
    double[][] basis = new double[n][longest];
    double chi2 = 0;
    double pixels = 0;
    for (int star = 0; star < n; star++) {
      psf.basis(
          stars.centreX()[star] + stars.offsetX()[star],
          stars.centreY()[star] + stars.offsetY()[star],
          order,
          basis[star]);
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
    double largest = 0;
    for (int a = 0; a < parts; a++) {
      for (int i = 0; i < polynomials[a].length; i++) {
        polynomials[a][i] += damp * step[start[a] + i];
        largest = Math.max(largest, Math.abs(damp * step[start[a] + i]));
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
        largest,
        chi2 / Math.max(1, pixels));
  }
}
