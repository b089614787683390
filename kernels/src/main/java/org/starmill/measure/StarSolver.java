package org.starmill.measure;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.starmill.device.Device;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfModel;
import org.starmill.psf.PsfTable;

/**
 * Solves all stars of an image together, and draws their model.
 *
 * <p>A sweep sums every star's normal system on what the model leaves of the image, solves each
 * together with its neighbours' ({@link StarSolveKernel}), moves the stars and draws the model
 * anew. Stars that stand still, and whose neighbours do, are left out of the next sweep. Compared
 * with fitting each star on the image without the others, sweep by sweep, a blend of two stars a
 * FWHM apart needs 3 sweeps in place of 10 to 20; compared with one sparse system for the image the
 * work and memory of a star are bounded, and nothing is written by two.
 *
 * <p>Not safe for use by several threads at once.
 */
final class StarSolver {
  /** Below this signal-to-noise a star is fitted on a stamp of 2.5 FWHM: its wings say nothing. */
  private static final double FAINT = 30;

  private static final double FAINT_RADIUS = 2.5;

  /** Stars closer than this many FWHM are solved together. */
  private static final double NEIGHBOURS = 3;

  /** Steps, in standard deviations, below which a star, or a neighbour, stands still. */
  static final float STILL = 0.02f;

  /** The same while other stars are still to be found. */
  static final float ROUGHLY_STILL = 0.1f;

  private static final float NEIGHBOUR_STILL = 5;

  /** Growth of chi squared that noise in the steps does not explain, and most damping. */
  private static final float WORSE = 1.02f;

  private static final float MOST_DAMPING = 256f;

  /** Share of the stars below which only these are drawn anew. */
  private static final double FEW = 0.4;

  private static final float LONGEST_STEP = 0.6f;
  private static final int BAND_ROWS = 32;

  /** Stars are drawn out to where they fall below this share of the sky's noise. */
  private static final double FAINTEST = 0.05;

  /** The same of what a step changes; and the least radius of what is drawn anew, pixels. */
  private static final double SLIGHT = 0.004;

  private static final int LEAST_PATCH = 1;

  /** Pixels; only the wings of stars far above saturation reach further. */
  private static final int MAX_RADIUS = 150;

  /** FWHM; a Gaussian has fallen to 1e-30 of its peak there. */
  private static final double GAUSSIAN_RADIUS = 5;

  /** Pixels; side of the cells that tell which stars lie near others. */
  private static final int CELL = 16;

  /** Floats of scratch a launch may take. */
  private static final int SCRATCH = 4_000_000;

  private final Device device;
  private final StarNormalKernel normal = new StarNormalKernel();
  private final StarSolveKernel solve = new StarSolveKernel();
  private final StarQualityKernel quality = new StarQualityKernel();
  private final RenderKernel render = new RenderKernel();

  private Planes planes;
  private double skyNoise;
  private Psf psf;
  private int stampRadius;

  /** Whether the stars' forms are those of an earlier PSF. */
  private boolean reshape;

  private int mostNeighbours;
  private int[] stamp = new int[0];
  private int[] drawnRadius = new int[0];
  private boolean[] restless;

  /** Whether a sweep came before, and no plane was changed since but by its drawing. */
  private boolean planesStand;

  /** Whether a star's system and its neighbours' blocks have been summed with the present PSF. */
  private boolean[] summed = new boolean[0];

  StarSolver(Device device) {
    this.device = device;
  }

  /**
   * Begins an image.
   *
   * @param planes image, base variance and, once drawn, model
   * @param fitSky whether a constant sky is fitted with each star
   * @param neighbours most that are solved together with a star
   */
  void begin(Planes planes, boolean fitSky, int neighbours) {
    this.planes = planes;
    mostNeighbours = neighbours;
    normal.width = planes.width;
    normal.height = planes.height;
    normal.fitSky = fitSky ? 1 : 0;
    normal.image = planes.image;
    normal.model = planes.model;
    normal.base = planes.base;
    quality.width = planes.width;
    quality.height = planes.height;
    quality.image = planes.image;
    quality.model = planes.model;
    quality.base = planes.base;
    render.width = planes.width;
    render.height = planes.height;
    render.bandRows = BAND_ROWS;
    render.model = planes.model;
    solve.rows = 3 * (neighbours + 1);
    noise(0, 0);
  }

  /** Lets go of the planes, until the next image begins. */
  void release() {
    planes = null;
    normal.image = null;
    normal.model = null;
    normal.base = null;
    quality.image = null;
    quality.model = null;
    quality.base = null;
    render.model = null;
  }

  /** Relative error of flat and PSF that the weights reckon with, and the noise of empty sky. */
  void noise(double modelError, double skyNoise) {
    normal.modelVariance = (float) (modelError * modelError);
    quality.modelVariance = normal.modelVariance;
    this.skyNoise = skyNoise;
  }

  /** Takes a PSF; the stars are to be arranged and drawn anew. */
  void psf(Psf next, int radius) {
    psf = next;
    stampRadius = radius;
    reshape = true;
    normal.configure(psf);
    quality.configure(psf);
    quality.coreHalfSide = Math.max(1, (int) Math.round(psf.fwhm()));
    render.configure(psf);
    PsfTable table = new PsfTable(psf, normal, stampRadius);
    normal.tabulate(table);
    quality.tabulate(table);
    render.tabulate(table);
  }

  /**
   * Sorts the stars, and finds their forms, stamps and neighbours: after some came or went. Those
   * whose {@link StarList#moved} says so, and their neighbours, take part in the next sweep.
   */
  void arrange(StarList stars) {
    stars.sortByPlace();
    int n = stars.count();
    boolean anew = reshape;
    stars.shape(psf, anew);
    reshape = false;
    float[] form = atLeastOne(stars.form);
    normal.form = form;
    quality.form = form;
    stamp = new int[Math.max(1, n)];
    int small = Math.min(stampRadius, Math.max(4, (int) Math.round(FAINT_RADIUS * psf.fwhm())));
    for (int i = 0; i < n; i++) {
      stamp[i] = stars.flux[i] > FAINT * stars.errorFlux[i] ? stampRadius : small;
      stars.anchorX[i] = (float) stars.x(i);
      stars.anchorY[i] = (float) stars.y(i);
    }
    drawnRadius = drawn(stars, form);
    pair(stars, anew);
    restless = new boolean[n];
    // Stamps may have changed: chi squared tells nothing of the last step.
    Arrays.fill(stars.lastChi2, -1f);
  }

  /**
   * Radius of each star's patch: where F P(r) falls below a share of the noise, and never less than
   * the stamp it is fitted on.
   */
  private int[] drawn(StarList stars, float[] form) {
    int[] radius = new int[Math.max(1, stars.count())];
    for (int i = 0; i < stars.count(); i++) {
      radius[i] = Math.max(stamp[i], reach(form, i * PsfKernel.FORM, stars.flux[i], FAINTEST));
    }
    return radius;
  }

  /**
   * Pixels from the centre at which so much light, shaped as a star, falls below a share of the
   * sky's noise.
   */
  private int reach(float[] form, int f, double flux, double share) {
    boolean moffat = psf.model() == PsfModel.MOFFAT;
    double ratio = Math.abs(flux) * form[f + 4] / (share * Math.max(skyNoise, 1));
    if (!(ratio > 1)) {
      return 0;
    }
    int limit = moffat ? MAX_RADIUS : (int) Math.ceil(GAUSSIAN_RADIUS * psf.fwhm());
    double q = moffat ? Math.pow(ratio, 1 / form[f + 3]) - 1 : 2 * Math.log(ratio);
    // Half a FWHM more: ellipses are longer than they are wide.
    double r = Math.sqrt(q / Math.min(form[f], form[f + 2])) + 0.5 * psf.fwhm();
    return (int) Math.min(limit, Math.ceil(r));
  }

  /** Lists each star's neighbours, nearest first, as many as are solved together. */
  private void pair(StarList stars, boolean anew) {
    int n = stars.count();
    boolean[] summedBefore = summed;
    double reach = NEIGHBOURS * psf.fwhm();
    StarGrid grid = new StarGrid(stars, planes.width, planes.height, Math.max(8, reach));
    int[] first = new int[n + 1];
    int[] list = new int[Math.max(16, 2 * n)];
    long[] near = new long[64];
    int[] found = new int[1];
    long[][] room = {near};
    for (int i = 0; i < n; i++) {
      int star = i;
      double x = stars.x(i);
      double y = stars.y(i);
      found[0] = 0;
      grid.near(
          x,
          y,
          reach,
          other -> {
            if (other != star) {
              if (found[0] == room[0].length) {
                room[0] = Arrays.copyOf(room[0], 2 * found[0]);
              }
              double dx = stars.x(other) - x;
              double dy = stars.y(other) - y;
              float distance2 = (float) (dx * dx + dy * dy);
              room[0][found[0]++] = ((long) Float.floatToIntBits(distance2) << 32) | other;
            }
          });
      Arrays.sort(room[0], 0, found[0]);
      int taken = Math.min(found[0], mostNeighbours);
      stars.leftOut[i] = found[0] - taken;
      if (first[i] + taken > list.length) {
        list = Arrays.copyOf(list, 2 * list.length + taken);
      }
      for (int k = 0; k < taken; k++) {
        list[first[i] + k] = (int) room[0][k];
      }
      first[i + 1] = first[i] + taken;
    }
    float[] own = new float[Math.max(1, n) * StarNormalKernel.OWN];
    float[] cross = new float[Math.max(1, first[n]) * StarNormalKernel.CROSS];
    summed = new boolean[n];
    if (!anew) {
      for (int i = 0; i < n; i++) {
        summed[i] =
            stars.arranged[i] >= 0 && carry(stars, i, summedBefore, first, list, own, cross);
      }
    }
    for (int i = 0; i < n; i++) {
      stars.arranged[i] = i;
    }
    normal.firstOf = first;
    normal.neighbour = list;
    normal.own = own;
    normal.cross = cross;
    solve.firstOf = first;
    solve.neighbour = list;
    solve.own = normal.own;
    solve.cross = normal.cross;
  }

  /** Says that sweeps follow one another from here on, with no plane changed between them. */
  void beginSweeps() {
    planesStand = false;
  }

  /**
   * Takes over what was summed of a star before the stars were arranged anew: a star that stands
   * still is not summed again, but its neighbours' systems and its own error need it.
   *
   * @return whether nothing is missing
   */
  private boolean carry(
      StarList stars,
      int star,
      boolean[] summedBefore,
      int[] first,
      int[] list,
      float[] own,
      float[] cross) {
    int before = stars.arranged[star];
    System.arraycopy(
        normal.own,
        before * StarNormalKernel.OWN,
        own,
        star * StarNormalKernel.OWN,
        StarNormalKernel.OWN);
    // The step was taken: it is not to be reckoned with again by the neighbours.
    int gradient = star * StarNormalKernel.OWN + StarNormalKernel.GRADIENT;
    Arrays.fill(own, gradient, gradient + 3, 0f);
    boolean complete = summedBefore[before];
    for (int k = first[star]; k < first[star + 1]; k++) {
      int other = stars.arranged[list[k]];
      int found = -1;
      for (int l = normal.firstOf[before]; l < normal.firstOf[before + 1]; l++) {
        found = normal.neighbour[l] == other ? l : found;
      }
      if (found < 0) {
        complete = false;
      } else {
        System.arraycopy(
            normal.cross,
            found * StarNormalKernel.CROSS,
            cross,
            k * StarNormalKernel.CROSS,
            StarNormalKernel.CROSS);
      }
    }
    return complete;
  }

  /**
   * Takes one step with every star that does not stand still, or with all, and draws the model.
   *
   * @param still step, in standard deviations, up to which a star stands still
   * @param damping share by which the diagonals are raised: 0 for full steps
   * @return number of stars that took a step
   */
  int sweep(StarList stars, boolean all, float still, double damping) {
    settle(stars, still);
    int n = stars.count();
    int[] chosen = new int[Math.max(1, n)];
    int count = 0;
    for (int i = 0; i < n; i++) {
      if (all || restless[i]) {
        chosen[count++] = i;
      }
    }
    if (count == 0) {
      return 0;
    }
    sum(stars, chosen, count);
    Drawn before = count < n * FEW ? Drawn.of(stars, chosen, count) : null;
    damp(stars, chosen, count, (float) (1 + damping));
    solve.damping = stars.damping;
    solve.moving = 1;
    solveAll(stars, chosen, count);
    stars.recentre();
    if (planesStand) {
      render.unchanged(render.model);
    }
    if (before == null) {
      draw(stars);
    } else {
      redraw(stars, chosen, before);
    }
    planesStand = true;
    return count;
  }

  /**
   * Raises the damping of stars whose stamps got worse by the last step, and lowers it where they
   * got better: what is solved apart (more neighbours than are solved together, light that no star
   * explains) must not swing up.
   */
  private void damp(StarList stars, int[] chosen, int count, float least) {
    for (int k = 0; k < count; k++) {
      int i = chosen[k];
      float chi2 = chi2(i);
      float before = stars.lastChi2[i];
      float crowd = least + (float) stars.leftOut[i] / Math.max(1, mostNeighbours);
      if (before > 0 && chi2 > before * WORSE + 2) {
        stars.damping[i] = Math.min(MOST_DAMPING, 4 * stars.damping[i]);
      } else {
        stars.damping[i] = Math.max(crowd, 0.5f * stars.damping[i]);
      }
      stars.lastChi2[i] = chi2;
    }
  }

  /**
   * Some stars as the model has them, with their fluxes' signs turned.
   *
   * <p>Adding these and then the stars as they are now changes the model for them alone.
   */
  private record Drawn(
      int[] centreX, int[] centreY, float[] offsetX, float[] offsetY, float[] flux) {
    static Drawn of(StarList stars, int[] chosen, int count) {
      Drawn drawn =
          new Drawn(
              new int[2 * count],
              new int[2 * count],
              new float[2 * count],
              new float[2 * count],
              new float[2 * count]);
      drawn.put(0, stars, chosen, count, -1f);
      return drawn;
    }

    void put(int at, StarList stars, int[] chosen, int count, float sign) {
      for (int k = 0; k < count; k++) {
        centreX[at + k] = stars.centreX[chosen[k]];
        centreY[at + k] = stars.centreY[chosen[k]];
        offsetX[at + k] = stars.offsetX[chosen[k]];
        offsetY[at + k] = stars.offsetY[chosen[k]];
        flux[at + k] = sign * stars.flux[chosen[k]];
      }
    }

    int count() {
      return flux.length / 2;
    }
  }

  /** Finds the errors of all stars, which stay where they are. */
  void errors(StarList stars) {
    int n = stars.count();
    float[] undamped = new float[Math.max(1, n)];
    Arrays.fill(undamped, 1f);
    int[] chosen = new int[Math.max(1, n)];
    int missing = 0;
    for (int i = 0; i < n; i++) {
      if (!summed[i] || normal.fitSky == 1) {
        chosen[missing++] = i;
      }
    }
    if (missing > 0) {
      sum(stars, chosen, missing);
    }
    for (int i = 0; i < n; i++) {
      chosen[i] = i;
    }
    solve.damping = undamped;
    solve.moving = 0;
    solveAll(stars, chosen, n);
  }

  private void sum(StarList stars, int[] chosen, int count) {
    if (planesStand) {
      normal.unchanged(normal.image, normal.base);
    }
    normal.chosen = chosen;
    normal.radius = stamp;
    normal.photon = stars.photon;
    normal.centreX = stars.centreX;
    normal.centreY = stars.centreY;
    normal.offsetX = stars.offsetX;
    normal.offsetY = stars.offsetY;
    normal.keepTable();
    device.run(normal, count);
    for (int k = 0; k < count; k++) {
      summed[chosen[k]] = true;
    }
  }

  private void solveAll(StarList stars, int[] chosen, int count) {
    solve.longestStep = LONGEST_STEP;
    solve.longestWay = longestWay();
    solve.centreX = stars.centreX;
    solve.centreY = stars.centreY;
    solve.anchorX = stars.anchorX;
    solve.anchorY = stars.anchorY;
    solve.offsetX = stars.offsetX;
    solve.offsetY = stars.offsetY;
    solve.flux = stars.flux;
    solve.moved = stars.moved;
    solve.errorX = stars.errorX;
    solve.errorY = stars.errorY;
    solve.errorFlux = stars.errorFlux;
    if (device.usesVectors()) {
      solve.chosen = chosen;
      device.run(solve, count);
      return;
    }
    int places = StarSolveKernel.places(solve.rows);
    int chunk = Math.min(count, Math.max(64, SCRATCH / places));
    if (solve.work == null || solve.work.length < chunk * places) {
      solve.work = new float[chunk * places];
    }
    for (int first = 0; first < count; first += chunk) {
      int size = Math.min(chunk, count - first);
      solve.chosen = Arrays.copyOfRange(chosen, first, first + size);
      if (first > 0) {
        solve.unchanged(solve.firstOf, solve.neighbour, solve.own, solve.cross, solve.damping);
        solve.unchanged(solve.centreX, solve.centreY, solve.anchorX, solve.anchorY);
        solve.unchanged(solve.offsetX, solve.offsetY, solve.flux, solve.moved);
        solve.unchanged(solve.errorX, solve.errorY, solve.errorFlux);
      }
      device.run(solve, size);
    }
  }

  /** How far, in pixels, a star may go from where its pass began, along rows and columns. */
  float longestWay() {
    return (float) Math.max(1, psf.fwhm() / 2);
  }

  /** A star is restless where its last step was long, or a neighbour's five times as long. */
  private void settle(StarList stars, float still) {
    int n = stars.count();
    for (int i = 0; i < n; i++) {
      restless[i] = stars.moved[i] > still;
    }
    for (int i = 0; i < n; i++) {
      if (!restless[i]) {
        for (int k = normal.firstOf[i]; k < normal.firstOf[i + 1]; k++) {
          restless[i] |= stars.moved[normal.neighbour[k]] > NEIGHBOUR_STILL * still;
        }
      }
    }
  }

  /** Draws all stars. */
  void draw(StarList stars) {
    render.onTop = 0;
    render.form = normal.form;
    render.radius = drawnRadius;
    render.centreX = atLeastOne(stars.centreX);
    render.centreY = atLeastOne(stars.centreY);
    render.offsetX = atLeastOne(stars.offsetX);
    render.offsetY = atLeastOne(stars.offsetY);
    render.flux = atLeastOne(stars.flux);
    runBands(stars.count());
  }

  /** Draws some stars anew. */
  private void redraw(StarList stars, int[] chosen, Drawn before) {
    int count = before.count();
    before.put(count, stars, chosen, count, 1f);
    float[] form = new float[2 * count * PsfKernel.FORM];
    int[] radius = new int[2 * count];
    for (int k = 0; k < 2 * count; k++) {
      int star = chosen[k % count];
      System.arraycopy(
          normal.form, star * PsfKernel.FORM, form, k * PsfKernel.FORM, PsfKernel.FORM);
      radius[k] = Math.min(drawnRadius[star], changed(before, k % count, form, k));
    }
    render.onTop = 1;
    render.form = form;
    render.radius = radius;
    render.centreX = before.centreX();
    render.centreY = before.centreY();
    render.offsetX = before.offsetX();
    render.offsetY = before.offsetY();
    render.flux = before.flux();
    runBands(2 * count);
  }

  /** How far from its pixel a star's step changes the model to speak of. */
  private int changed(Drawn before, int k, float[] form, int at) {
    int after = k + before.count();
    int shiftX = before.centreX()[after] - before.centreX()[k];
    int shiftY = before.centreY()[after] - before.centreY()[k];
    double way =
        Math.abs(shiftX + before.offsetX()[after] - before.offsetX()[k])
            + Math.abs(shiftY + before.offsetY()[after] - before.offsetY()[k]);
    // The old one's flux has its sign turned. No PSF falls by more than twice itself in a pixel.
    double light =
        Math.abs(before.flux()[after] + before.flux()[k])
            + 2 * way * Math.abs(before.flux()[after]);
    if (shiftX != 0 || shiftY != 0) {
      // The patches are not the same pixels.
      return Integer.MAX_VALUE;
    }
    return Math.max(LEAST_PATCH, reach(form, at * PsfKernel.FORM, light, SLIGHT));
  }

  /** Numbers of the stars that are drawn on the largest stamp of any of some stars. */
  int[] reaching(StarList stars, int[] looked) {
    int columns = planes.width / CELL + 2;
    int rows = planes.height / CELL + 2;
    // How many of the cells above and left of a place hold a part of such a stamp.
    int[] above = new int[columns * rows];
    for (int star : looked) {
      int left = cell(stars.centreX[star] - stampRadius, columns);
      int right = cell(stars.centreX[star] + stampRadius, columns);
      int bottom = cell(stars.centreY[star] + stampRadius, rows);
      for (int row = cell(stars.centreY[star] - stampRadius, rows); row <= bottom; row++) {
        for (int column = left; column <= right; column++) {
          above[row * columns + column] = 1;
        }
      }
    }
    for (int row = 1; row < rows; row++) {
      for (int column = 1; column < columns; column++) {
        int at = row * columns + column;
        above[at] += above[at - 1] + above[at - columns] - above[at - columns - 1];
      }
    }
    return IntStream.range(0, stars.count())
        .filter(
            i -> {
              int left = cell(stars.centreX[i] - drawnRadius[i], columns) - 1;
              int right = cell(stars.centreX[i] + drawnRadius[i], columns);
              int top = cell(stars.centreY[i] - drawnRadius[i], rows) - 1;
              int bottom = cell(stars.centreY[i] + drawnRadius[i], rows);
              return above[bottom * columns + right]
                      - above[bottom * columns + left]
                      - above[top * columns + right]
                      + above[top * columns + left]
                  > 0;
            })
        .toArray();
  }

  /** Number of the cell, from 1, that a column or row is in, or of the one next to it. */
  private static int cell(int pixel, int count) {
    return Math.max(1, Math.min(count - 1, Math.floorDiv(pixel, CELL) + 1));
  }

  /** Adds some stars to the model, or takes them off where the sign is -1. */
  void add(StarList stars, int[] chosen, float sign) {
    int count = chosen.length;
    if (count == 0) {
      return;
    }
    Drawn drawn = Drawn.of(stars, chosen, count);
    float[] form = new float[count * PsfKernel.FORM];
    int[] radius = new int[count];
    float[] flux = new float[count];
    for (int k = 0; k < count; k++) {
      System.arraycopy(
          normal.form, chosen[k] * PsfKernel.FORM, form, k * PsfKernel.FORM, PsfKernel.FORM);
      radius[k] = drawnRadius[chosen[k]];
      flux[k] = sign * stars.flux[chosen[k]];
    }
    render.onTop = 1;
    render.form = form;
    render.radius = radius;
    render.centreX = drawn.centreX();
    render.centreY = drawn.centreY();
    render.offsetX = drawn.offsetX();
    render.offsetY = drawn.offsetY();
    render.flux = flux;
    runBands(count);
  }

  /** Sorts what is to be drawn into bands of rows, and draws. */
  private void runBands(int n) {
    int bands = (planes.height + BAND_ROWS - 1) / BAND_ROWS;
    int[] start = new int[bands + 1];
    for (int i = 0; i < n; i++) {
      for (int b = firstBand(i); b <= lastBand(i, bands); b++) {
        start[b + 1]++;
      }
    }
    for (int b = 0; b < bands; b++) {
      start[b + 1] += start[b];
    }
    int[] next = Arrays.copyOf(start, bands);
    int[] member = new int[Math.max(1, start[bands])];
    for (int i = 0; i < n; i++) {
      for (int b = firstBand(i); b <= lastBand(i, bands); b++) {
        member[next[b]++] = i;
      }
    }
    render.bandStart = start;
    render.bandStar = member;
    render.keepTable();
    device.run(render, bands);
  }

  private int firstBand(int i) {
    return Math.max(0, render.centreY[i] - render.radius[i]) / BAND_ROWS;
  }

  private int lastBand(int i, int bands) {
    int last = render.centreY[i] + render.radius[i];
    return last < 0 ? -1 : Math.min(bands - 1, last / BAND_ROWS);
  }

  /** What each star's stamp shows besides its flux, {@link StarQualityKernel#NUMBERS} a star. */
  float[] quality(StarList stars) {
    return quality(stars, IntStream.range(0, stars.count()).toArray());
  }

  /** The same of some stars; the numbers of the others are 0. */
  float[] quality(StarList stars, int[] chosen) {
    int n = stars.count();
    int count = chosen.length;
    quality.chosen = atLeastOne(chosen);
    quality.radius = stamp;
    quality.photon = stars.photon;
    quality.centreX = stars.centreX;
    quality.centreY = stars.centreY;
    quality.offsetX = stars.offsetX;
    quality.offsetY = stars.offsetY;
    quality.flux = stars.flux;
    quality.numbers = new float[Math.max(1, n) * StarQualityKernel.NUMBERS];
    quality.keepTable();
    device.run(quality, count);
    return quality.numbers;
  }

  /** Measures all stars in apertures, with the model as it is drawn. */
  void measure(Apertures apertures, StarList stars) {
    // The kernel may have drawn some of the stars alone.
    render.form = normal.form;
    render.radius = drawnRadius;
    apertures.measure(stars, render, planes, normal.modelVariance, psf);
  }

  /** Chi squared of a star's stamp. */
  float chi2(int star) {
    return normal.own[star * StarNormalKernel.OWN + StarNormalKernel.CHI2];
  }

  /** Half side of a star's stamp, pixels. */
  int stampRadius(int star) {
    return stamp[star];
  }

  /** Good pixels of a star's stamp. */
  float pixels(int star) {
    return normal.own[star * StarNormalKernel.OWN + StarNormalKernel.PIXELS];
  }

  /** Electrons a pixel that were fitted with a star on top of the sky's. */
  float sky(int star) {
    return normal.own[star * StarNormalKernel.OWN + StarNormalKernel.SKY];
  }

  /** Distance of a star's nearest neighbour, pixels; infinite where it has none. */
  double nearest(StarList stars, int star) {
    double nearest2 = Double.POSITIVE_INFINITY;
    double x = stars.x(star);
    double y = stars.y(star);
    for (int k = normal.firstOf[star]; k < normal.firstOf[star + 1]; k++) {
      double dx = stars.x(normal.neighbour[k]) - x;
      double dy = stars.y(normal.neighbour[k]) - y;
      nearest2 = Math.min(nearest2, dx * dx + dy * dy);
    }
    return Math.sqrt(nearest2);
  }

  /** Whether a star has neighbours that are solved together with it. */
  boolean hasNeighbours(int star) {
    return normal.firstOf[star + 1] > normal.firstOf[star];
  }

  /** OpenCL knows no empty arrays. */
  private static float[] atLeastOne(float[] values) {
    return values.length == 0 ? new float[1] : values;
  }

  private static int[] atLeastOne(int[] values) {
    return values.length == 0 ? new int[1] : values;
  }
}
