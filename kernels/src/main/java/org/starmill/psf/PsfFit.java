package org.starmill.psf;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
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

  /**
   * Stars for each term of a polynomial, and of one that is linear; stars from which on beta may
   * vary over the field.
   */
  private static final int STARS_A_TERM = 5;

  private static final int STARS_A_LINEAR_TERM = 3;
  private static final int STARS_FOR_BETA = 60;

  /** Narrowest PSF in pixels, and widest as a share of the image's shorter side. */
  private static final double NARROWEST = 0.5;

  private static final double WIDEST = 0.25;

  /** Factor that the FWHM of a corner may differ by from that of the middle of the field. */
  private static final double MOST_VARIATION = 2.5;

  private static final double MIN_BETA = 1.3;

  /** A Moffat of so large a beta is a Gaussian, to a hundredth of its light at one FWHM. */
  private static final double MAX_BETA = 500;

  /** Most that a step may change 1 / beta by: half of beta for a beta of 3. */
  private static final double INVERSE_BETA_STEP = 0.055;

  /** Most that beta's light in the wings, beta - 1, changes from the middle to an edge. */
  private static final double MOST_BETA_SLOPE = 0.4;

  /** How well the image's sky is known beneath a star, in standard deviations of a pixel. */
  private static final double SKY_ERROR = 0.03;

  /** From so many stars on a fifth of them is held out. */
  private static final int STARS_TO_HOLD_OUT = 40;

  /** Stars for each term of the residuals' polynomials; fewer carry residuals alike everywhere. */
  private static final int STARS_FOR_RESIDUAL = 25;

  private static final int FEWEST_FOR_RESIDUAL = 5;

  /** How much narrower or wider a grid may leave the profile beneath: ln FWHM. */
  private static final double MOST_NARROWED = 0.2;

  /** With fewer stars they are told from each other in turn, not from some that are held out. */
  private static final int FEW_FOR_RESIDUAL = 50;

  /** Parts of few stars, each of which is told from the others in turn. */
  private static final int PARTS = 5;

  /** Brightest stars, of few, that tell how far all are from the analytic profile. */
  private static final int BRIGHTEST_OF_FEW = 7;

  /**
   * The grid: nodes in a FWHM at least, half side in FWHM, most nodes from the middle to an end.
   */
  private static final double NODES_A_FWHM = 4;

  private static final double RESIDUAL_REACH = 2.25;
  private static final int MOST_FOR_RESIDUAL = 200;
  private static final int MOST_REACH = 20;

  /** Expected size of a residual, as a share of the light about it. */
  private static final double AMPLITUDE = 0.1;

  private final Device device;
  private final TargetKernel targets = new TargetKernel();
  private final PsfNormalKernel normal = new PsfNormalKernel();

  /** 1 / variance of each star's own sky, as known beforehand. */
  private double[] skyPrecision;

  public PsfFit(Device device) {
    this.device = device;
  }

  /**
   * What a fit gave.
   *
   * @param psf the PSF
   * @param used which of the stars it was fitted to
   * @param chi2 reduced chi squared of their pixels
   * @param holdOut what it leaves of stars that it was not fitted to
   * @param modelError c, the PSF's relative error: with (c F P)^2 added to a pixel's variance the
   *     core of a bright star, in the median, has a reduced chi squared of 1; 0 where it is no more
   *     without
   */
  public record Result(
      Psf psf, boolean[] used, double chi2, PsfHoldOut holdOut, double modelError) {
    /** Number of stars the PSF was fitted to. */
    public int stars() {
      return count(used);
    }
  }

  /**
   * Fits a PSF.
   *
   * @param image electrons, sky subtracted, row-major
   * @param model electrons of all stars that are known, the PSF's own among them
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param width columns
   * @param height rows
   * @param stars candidates, as {@code start} drew them into the model
   * @param start the PSF of the model, from which the fit starts
   * @param order highest total order of the polynomials; less with few stars
   * @param residualOrder total order of the residuals' polynomials, at most 2, less with few stars;
   *     -1 holds the residuals of {@code start}, if it has any, unless there are few stars, whose
   *     neighbours it was that the first residuals showed
   * @param beta Moffat's beta where it is held, NaN to fit it
   * @param minStars fewest stars, at least 1
   * @param stampRadius half side of a star's stamp, pixels
   * @throws ImageRejected "psf failed" where too few stars are alike or the fit runs away
   */
  public Result fit(
      float[] image,
      float[] model,
      float[] base,
      int width,
      int height,
      PsfStars stars,
      Psf start,
      int order,
      int residualOrder,
      double beta,
      int minStars,
      int stampRadius) {
    int n = stars.count();
    demandEnough(n, n, minStars);
    prepare(image, model, base, width, height, stars, start, stampRadius);
    boolean fitBeta = start.model() == PsfModel.MOFFAT && Double.isNaN(beta);
    boolean[] held = heldOut(stars);
    Psf psf = withOrders(start, orders(n, order, fitBeta));
    if (start.model() == PsfModel.MOFFAT && !fitBeta) {
      psf = withBeta(psf, beta);
    }
    // A PSF that varies already is that of an earlier fit: it says who is alike.
    boolean warm = start.varies() && psf.coefficients().length == start.coefficients().length;
    boolean[] alike = new boolean[n];
    StarSystem[] systems = null;
    double chi2 = Double.NaN;
    boolean done = false;
    for (int iteration = 0; iteration < ITERATIONS && !done; iteration++) {
      systems = systems(psf, stars);
      boolean[] before = alike.clone();
      if (iteration == 0 && !warm) {
        keepRegular(systems, alike);
      } else {
        keepAlike(systems, alike);
      }
      boolean[] used = less(alike, held);
      demandEnough(count(used), n, minStars);
      Psf ordered = withOrders(psf, orders(count(used), order, fitBeta));
      if (ordered.coefficients().length < psf.coefficients().length) {
        // The systems are those of a PSF with terms that now are gone.
        systems = systems(ordered, stars);
        for (int i = 0; i < n; i++) {
          alike[i] &= systems[i].isRegular();
        }
        used = less(alike, held);
        demandEnough(count(used), n, minStars);
      }
      Normals normals = normals(ordered, stars, systems, used, fitBeta);
      double[] step = solve(normals, count(used));
      if (fitBeta && ordered.beta() >= MAX_BETA && step[normals.start[Psf.BETA]] > 0) {
        // Of Gaussians no more is to be learnt of beta.
        normals = normals(ordered, stars, systems, used, false);
        step = solve(normals, count(used));
      }
      chi2 = normals.chi2;
      double damp = damping(ordered, normals, step);
      psf = stepped(ordered, normals, step, damp);
      advance(systems, shapeSteps(normals, step, damp));
      int changed = 0;
      for (int i = 0; i < n; i++) {
        changed += alike[i] == before[i] ? 0 : 1;
      }
      double gain = 0;
      for (int i = 0; i < step.length; i++) {
        gain += step[i] * normals.gradient[i];
      }
      done = gain < CONVERGED && changed <= count(alike) / 50;
    }
    if (psf.varies() && runsAway(psf)) {
      // The stars leave a part of the field to guesswork: less freedom, fewer wild guesses.
      int lower = Psf.order(psf.polynomials()[Psf.LOG_FWHM].length) - 1;
      return fit(
          image,
          model,
          base,
          width,
          height,
          stars,
          start.with((PsfResidual) null),
          lower,
          residualOrder,
          beta,
          minStars,
          stampRadius);
    }
    demandWidth(psf, count(less(alike, held)));
    systems = systems(psf, stars);
    int enough = count(less(alike, held));
    boolean few = enough < FEW_FOR_RESIDUAL;
    if (enough >= FEWEST_FOR_RESIDUAL && (residualOrder >= 0 || few && psf.hasResidual())) {
      psf =
          few
              ? withResidualOfFew(psf, stars, alike, held, fitBeta, stampRadius)
              : withResidual(psf, stars, alike, held, residualOrder, fitBeta, stampRadius);
      systems = systems(psf, stars);
      for (int i = 0; i < n; i++) {
        alike[i] &= systems[i].isRegular();
      }
    }
    boolean[] used = less(alike, held);
    chi2 = normals(psf, stars, systems, used, fitBeta).chi2;
    return new Result(
        psf,
        used,
        chi2,
        HeldOutStars.residuals(psf, stars, systems, normal, alike, held),
        HeldOutStars.modelError(psf, stars, normal, alike, HeldOutStars.BRIGHTEST));
  }

  /** Every fifth star by brightness, where there are enough to do without. */
  private static boolean[] heldOut(PsfStars stars) {
    int n = stars.count();
    boolean[] held = new boolean[n];
    if (n < STARS_TO_HOLD_OUT) {
      return held;
    }
    Integer[] order = byFlux(stars);
    for (int rank = 2; rank < n; rank += 5) {
      held[order[rank]] = true;
    }
    return held;
  }

  /** The stars' numbers, brightest first. */
  private static Integer[] byFlux(PsfStars stars) {
    Integer[] order = new Integer[stars.count()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    Arrays.sort(order, (a, b) -> Float.compare(stars.flux()[b], stars.flux()[a]));
    return order;
  }

  private static boolean[] less(boolean[] alike, boolean[] held) {
    boolean[] used = new boolean[alike.length];
    for (int i = 0; i < used.length; i++) {
      used[i] = alike[i] && !held[i];
    }
    return used;
  }

  /**
   * Fits the grid of residuals together with the polynomials. It is kept where it describes the
   * stars that were held out better than the profile alone does.
   */
  private Psf withResidual(
      Psf analytic,
      PsfStars stars,
      boolean[] alike,
      boolean[] held,
      int residualOrder,
      boolean fitBeta,
      int stampRadius) {
    boolean[] used = less(alike, held);
    int steps = steps(analytic);
    int reach = reach(analytic, stampRadius);
    int terms = Psf.terms(reach > MOST_REACH / 2 ? 0 : Math.min(2, residualOrder));
    while (terms > 1 && count(used) < STARS_FOR_RESIDUAL * terms) {
      terms = Psf.terms(Psf.order(terms) - 1);
    }
    PsfResidual known = analytic.residual();
    boolean cold =
        known == null || known.steps() != steps || known.reach() != reach || known.terms() != terms;
    Psf psf = cold ? analytic.with((PsfResidual) null) : analytic;
    float[][] own = own();
    double without = chi2(systems(analytic, stars), less(alike, used));
    ResidualFit fit = new ResidualFit(psf, steps, reach, terms);
    psf = fitted(fit, psf, stars, brightest(used, stars), fitBeta, cold ? 2 : 1);
    double with = chi2(systems(psf, stars), less(alike, used));
    // Without stars held out nothing tells.
    if (with < without) {
      return psf;
    }
    setOwn(own);
    return analytic;
  }

  /**
   * The same with few stars, of which a fifth is too few to tell: each fifth is described by the
   * grid that the others gave. What they leave of the analytic profile is no reason to do without
   * the brightest, for it is the grid that is to describe them; once it does, they are chosen as
   * before.
   */
  private Psf withResidualOfFew(
      Psf known,
      PsfStars stars,
      boolean[] alike,
      boolean[] held,
      boolean fitBeta,
      int stampRadius) {
    Psf analytic = known.with((PsfResidual) null);
    float[][] own = own();
    StarSystem[] systems = systems(analytic, stars);
    boolean[] used = less(alikeButForTheProfile(analytic, stars, systems), held);
    if (count(used) < FEWEST_FOR_RESIDUAL) {
      return known;
    }
    double without = chi2(systems, used);
    int steps = steps(analytic);
    int reach = reach(analytic, stampRadius);
    int[] parts = parts(stars, used);
    double with = 0;
    for (int part = 0; part < PARTS; part++) {
      boolean[] left = new boolean[parts.length];
      for (int i = 0; i < left.length; i++) {
        left[i] = parts[i] == part;
      }
      setOwn(own);
      ResidualFit fit = new ResidualFit(analytic, steps, reach, 1);
      Psf others = fitted(fit, analytic, stars, less(used, left), fitBeta, 2);
      with += chi2(systems(others, stars), left);
    }
    setOwn(own);
    if (!(with < without)) {
      return known;
    }
    ResidualFit fit = new ResidualFit(analytic, steps, reach, 1);
    Psf psf = fitted(fit, analytic, stars, used, fitBeta, 2);
    boolean[] chosen = new boolean[used.length];
    keepAlike(systems(psf, stars), chosen);
    if (count(less(chosen, held)) >= FEWEST_FOR_RESIDUAL) {
      psf = fitted(fit, psf, stars, less(chosen, held), fitBeta, 1);
      if (Math.abs(Math.log(psf.fwhm() / analytic.fwhm())) < MOST_NARROWED && !runsAway(psf)) {
        System.arraycopy(chosen, 0, alike, 0, chosen.length);
        return psf;
      }
    }
    setOwn(own);
    return known;
  }

  /** Stars of the others' shape that are no further from the profile than the brightest are. */
  private boolean[] alikeButForTheProfile(Psf psf, PsfStars stars, StarSystem[] systems) {
    boolean[] used = new boolean[systems.length];
    keepAlikeInShape(systems, used);
    double error = HeldOutStars.modelError(psf, stars, normal, used, BRIGHTEST_OF_FEW);
    double[] logs = new double[systems.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = used[i] ? Math.log(HeldOutStars.coreChi2(psf, normal, i, error)) : 0;
    }
    Spread spread = Spread.of(used, i -> logs[i]);
    for (int i = 0; i < logs.length; i++) {
      used[i] &= logs[i] - spread.median <= 3.5 * Math.max(spread.deviation, 0.1);
    }
    return used;
  }

  /** The part that each star in use is in, by brightness; -1 for the others. */
  private static int[] parts(PsfStars stars, boolean[] used) {
    int[] parts = new int[used.length];
    Arrays.fill(parts, -1);
    int rank = 0;
    for (int star : byFlux(stars)) {
      if (used[star]) {
        parts[star] = rank++ % PARTS;
      }
    }
    return parts;
  }

  private static int steps(Psf psf) {
    return Math.max(1, (int) Math.round(NODES_A_FWHM / psf.fwhm()));
  }

  private static int reach(Psf psf, int stampRadius) {
    int pixels = Math.min(stampRadius, (int) Math.ceil(RESIDUAL_REACH * psf.fwhm()));
    return Math.min(MOST_REACH, steps(psf) * pixels);
  }

  /** The PSF after some steps of its polynomials and its grid; the stars' own go along. */
  private Psf fitted(
      ResidualFit fit,
      Psf start,
      PsfStars stars,
      boolean[] fitted,
      boolean fitBeta,
      int iterations) {
    Psf psf = start;
    normal.gridSteps = fit.steps;
    normal.gridReach = fit.reach;
    normal.gridColumns = PsfNormalKernel.GRID_COLUMNS;
    normal.gridOf = new int[stars.count()];
    int grids = 0;
    for (int i = 0; i < fitted.length; i++) {
      normal.gridOf[i] = fitted[i] ? grids++ : -1;
    }
    normal.grid = new float[grids * fit.side * fit.side * normal.gridColumns];
    for (int iteration = 0; iteration < iterations; iteration++) {
      StarSystem[] systems = systems(psf, stars);
      boolean[] regular = fitted.clone();
      for (int i = 0; i < regular.length; i++) {
        regular[i] &= systems[i].isRegular();
      }
      Normals normals = normals(psf, stars, systems, regular, fitBeta);
      ResidualFit.Step step =
          fit.solve(
              psf,
              stars,
              normal,
              systems,
              regular,
              normals.matrix,
              normals.gradient,
              normals.terms(),
              AMPLITUDE);
      double damp = damping(psf, normals, step.shapeStep());
      Psf before = psf;
      psf = stepped(psf, normals, step.shapeStep(), damp);
      psf = psf.with(new PsfResidual(fit.steps, fit.reach, fit.terms, step.coefficients(), psf));
      double[][] shapeSteps = shapeSteps(normals, step.shapeStep(), damp);
      for (int i = 0; i < systems.length; i++) {
        double[] change = step.ownSteps()[i];
        advance(i, change == null ? systems[i].ownStep(shapeSteps[i]) : change);
        // The same light is less of a PSF whose sum has grown.
        double x = stars.x(i);
        double y = stars.y(i);
        normal.flux[i] *= (float) (before.scaleAt(x, y) / psf.scaleAt(x, y));
      }
    }
    normal.gridSteps = 0;
    normal.grid = new float[1];
    return psf;
  }

  /** A copy of the stars' own x, y, flux and sky. */
  private float[][] own() {
    return new float[][] {
      normal.offsetX.clone(), normal.offsetY.clone(), normal.flux.clone(), normal.sky.clone()
    };
  }

  private void setOwn(float[][] own) {
    normal.offsetX = own[0].clone();
    normal.offsetY = own[1].clone();
    normal.flux = own[2].clone();
    normal.sky = own[3].clone();
  }

  /** The brightest of the stars in use: they know nearly all of what all know of the residuals. */
  private static boolean[] brightest(boolean[] used, PsfStars stars) {
    float[] fluxes = new float[count(used)];
    int n = 0;
    for (int i = 0; i < used.length; i++) {
      if (used[i]) {
        fluxes[n++] = stars.flux()[i];
      }
    }
    Arrays.sort(fluxes);
    float least = n <= MOST_FOR_RESIDUAL ? 0 : fluxes[n - MOST_FOR_RESIDUAL];
    boolean[] chosen = used.clone();
    for (int i = 0; i < used.length; i++) {
      chosen[i] &= stars.flux()[i] >= least;
    }
    return chosen;
  }

  private static double chi2(StarSystem[] systems, boolean[] chosen) {
    double sum = 0;
    for (int i = 0; i < systems.length; i++) {
      if (chosen[i] && systems[i].isRegular()) {
        sum += systems[i].chi2AfterOwnStep();
      }
    }
    return sum;
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
    while (carried < order
        && stars >= (carried == 0 ? STARS_A_LINEAR_TERM : STARS_A_TERM) * Psf.terms(carried + 1)) {
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
    return psf.with(polynomials);
  }

  private static Psf withBeta(Psf psf, double beta) {
    double[][] polynomials = psf.polynomials();
    polynomials[Psf.BETA] = new double[] {beta};
    return psf.with(polynomials);
  }

  /** Cuts out the stars; their own x, y, flux and sky stand in the normal kernel from here on. */
  void prepare(
      float[] image,
      float[] model,
      float[] base,
      int width,
      int height,
      PsfStars stars,
      Psf start,
      int stampRadius) {
    int n = stars.count();
    int side = 2 * stampRadius + 1;
    int stride = Devices.VECTORS ? PsfStamps.stride(stampRadius) : side;
    targets.configure(start);
    targets.width = width;
    targets.height = height;
    targets.stampRadius = stampRadius;
    targets.stride = stride;
    targets.image = image;
    targets.model = model;
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
    // The planes are the caller's: this object lives on and must not hold them.
    targets.image = null;
    targets.model = null;
    targets.base = null;

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
    normal.weights = new float[targets.target.length];
    normal.left = new float[targets.target.length];
    normal.gridSteps = 0;
    normal.grid = new float[1];
    skyPrecision = new double[n];
    for (int i = 0; i < n; i++) {
      float variance = base[stars.centreY()[i] * width + stars.centreX()[i]];
      skyPrecision[i] = variance > 0 ? 1 / (SKY_ERROR * SKY_ERROR * variance) : 0;
    }
    normal.sideBySide = device.vectorizesLoops() ? 1 : 0;
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
    normal.configure(psf);
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
              normal.sums,
              i * PsfNormalKernel.SUMS,
              psf.formByShape(stars.x(i), stars.y(i)),
              normal.sky[i],
              skyPrecision[i]);
    }
    return systems;
  }

  /** Moves the stars' own x, y, flux and sky along with a step of the PSF. */
  private void advance(StarSystem[] systems, double[][] shapeSteps) {
    for (int i = 0; i < systems.length; i++) {
      advance(i, systems[i].ownStep(shapeSteps[i]));
    }
  }

  private void advance(int star, double[] own) {
    if (own == null) {
      return;
    }
    double longest = Math.max(Math.abs(own[0]), Math.abs(own[1]));
    double damp = longest > 0.5 ? 0.5 / longest : 1;
    normal.offsetX[star] += (float) (damp * own[0]);
    normal.offsetY[star] += (float) (damp * own[1]);
    normal.flux[star] = (float) Math.max(normal.flux[star] * 0.3, normal.flux[star] + own[2]);
    normal.sky[star] += (float) own[3];
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
    keepAlikeInShape(systems, used);
    if (count(used) >= 3) {
      Spread spread = Spread.of(used, i -> systems[i].logChi2());
      for (int i = 0; i < systems.length; i++) {
        used[i] &= systems[i].logChi2() - spread.median <= 3.5 * Math.max(spread.deviation, 0.1);
      }
    }
  }

  private static void keepAlikeInShape(StarSystem[] systems, boolean[] used) {
    keepRegular(systems, used);
    for (int quantity = 0; quantity < 3; quantity++) {
      int q = quantity;
      if (count(used) >= 3) {
        Spread spread = Spread.of(used, i -> systems[i].ownShape[q]);
        for (int i = 0; i < systems.length; i++) {
          if (used[i]) {
            double deviation = Math.max(Math.max(spread.deviation, systems[i].errorOf(q)), 0.002);
            used[i] = Math.abs(systems[i].ownShape[q] - spread.median) <= 3.5 * deviation;
          }
        }
      }
    }
  }

  /** Median of a quantity over the stars in use, and 1.4826 times its median absolute deviation. */
  private record Spread(double median, double deviation) {
    static Spread of(boolean[] used, IntToDoubleFunction quantity) {
      double[] values = new double[count(used)];
      int n = 0;
      for (int i = 0; i < used.length; i++) {
        if (used[i]) {
          values[n++] = quantity.applyAsDouble(i);
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
   * The stars' systems, summed and chained to the coefficients of the shape's polynomials.
   *
   * @param basis of each star
   * @param start where each polynomial's coefficients begin, and the end
   * @param chi2 reduced chi squared of the stars in use
   */
  private record Normals(
      double[][] matrix, double[] gradient, double[][] basis, int[] start, double chi2) {
    int parts() {
      return start.length - 1;
    }

    int[] terms() {
      int[] terms = new int[parts()];
      for (int i = 0; i < terms.length; i++) {
        terms[i] = start[i + 1] - start[i];
      }
      return terms;
    }
  }

  private static Normals normals(
      Psf psf, PsfStars stars, StarSystem[] systems, boolean[] used, boolean fitBeta) {
    double[][] polynomials = psf.polynomials();
    int parts = fitBeta ? 4 : 3;
    int[] start = new int[parts + 1];
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
          double[] row = matrix[start[a] + i];
          right[start[a] + i] += left * system.gradient[a];
          for (int b = 0; b < parts; b++) {
            double factor = left * system.matrix[a][b];
            for (int j = 0; j < polynomials[b].length; j++) {
              row[start[b] + j] += factor * basis[star][j];
            }
          }
        }
      }
    }
    for (int i = 0; i < size; i++) {
      matrix[i][i] = matrix[i][i] * (1 + 1e-6) + 1e-12;
    }
    return new Normals(matrix, right, basis, start, chi2 / Math.max(1, pixels));
  }

  private static double[] solve(Normals normals, int stars) {
    double[][] inverse = DenseMatrix.inverseOfPositive(normals.matrix);
    if (inverse == null) {
      throw new ImageRejected(
          "psf failed",
          "the %d stars do not determine the PSF (singular system of %d unknowns); lower psf.order or hold psf.beta"
              .formatted(stars, normals.gradient.length));
    }
    return DenseMatrix.times(inverse, normals.gradient);
  }

  /** ln FWHM, ellipticity: a tenth or two a step keeps a bad start from running away. */
  private static double damping(Psf psf, Normals normals, double[] step) {
    double[] limits = {0.2, 0.1, 0.1, INVERSE_BETA_STEP * psf.beta() * psf.beta()};
    double damp = 1;
    for (int a = 0; a < normals.parts(); a++) {
      damp = Math.min(damp, limits[a] / Math.max(limits[a], Math.abs(step[normals.start[a]])));
    }
    return damp;
  }

  /**
   * The PSF after a step. That of beta is taken by 1 / beta, which the profile depends on almost
   * linearly as it nears a Gaussian.
   */
  private static Psf stepped(Psf psf, Normals normals, double[] step, double damp) {
    double[][] polynomials = psf.polynomials();
    double before = psf.beta();
    for (int a = 0; a < normals.parts(); a++) {
      for (int i = 0; i < polynomials[a].length; i++) {
        polynomials[a][i] += damp * step[normals.start[a] + i];
      }
    }
    if (psf.model() == PsfModel.MOFFAT) {
      double[] beta = polynomials[Psf.BETA];
      double change = Math.max(-1, Math.min(0.5, beta[0] / before - 1));
      double next = Math.max(MIN_BETA, Math.min(MAX_BETA, before / (1 - change)));
      double most = next < MAX_BETA ? MOST_BETA_SLOPE * (next - 1) : 0;
      beta[0] = next;
      for (int i = 1; i < beta.length; i++) {
        beta[i] = Math.max(-most, Math.min(most, beta[i]));
      }
    }
    return psf.with(polynomials);
  }

  /** What a step changes of each star's shape. */
  private static double[][] shapeSteps(Normals normals, double[] step, double damp) {
    double[][] steps = new double[normals.basis.length][4];
    for (int star = 0; star < steps.length; star++) {
      for (int a = 0; a < normals.parts(); a++) {
        for (int k = normals.start[a]; k < normals.start[a + 1]; k++) {
          steps[star][a] += damp * step[k] * normals.basis[star][k - normals.start[a]];
        }
      }
    }
    return steps;
  }
}
