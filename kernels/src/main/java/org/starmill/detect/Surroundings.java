package org.starmill.detect;

import java.util.Arrays;
import org.starmill.device.Device;

/**
 * Tells how far peaks stand out of what surrounds them.
 *
 * <p>A matched filter takes all light for a star's that the sky's mesh does not follow: a galaxy's
 * disc, a nebula, what specks of dust leave in the flat. Such a place is bright all around as well,
 * a star's is not: what the median pixel of a ring about the peak holds beyond noise is taken off
 * the peak. Stars in the ring do not matter until they fill half of it.
 *
 * <p>What is left of such structure is noise to a search for stars. How much there is, {@link
 * #measure} finds out from places on a lattice: the width of their significances, which is 1 where
 * there is none. It takes the lower half of them only, for stars add to the upper one.
 */
public final class Surroundings {
  /** Radii of the ring in FWHM: a star's own wings are below a hundredth of its peak there. */
  private static final double INNER = 1.5;

  private static final double OUTER = 3.5;

  /** Distance of the places on the lattice, FWHM, and pixels at least. */
  private static final double STEP = 3;

  private static final double LEAST_STEP = 24;

  /** Multiples of these fill a square evenly (Roberts' sequence, by the plastic number). */
  private static final double ACROSS = 0.7548776662466927;

  private static final double DOWN = 0.5698402909980532;

  /** Places along a side of a cell of the map. */
  private static final int CELL = 4;

  /** The width in a cell is taken over this many cells to either side too. */
  private static final int CELLS_AROUND = 1;

  /** Fewest places that make a width. */
  private static final int LEAST_PLACES = 9;

  /** What a width may be above 1 by chance and by stars too faint and crowded to be found. */
  private static final double CHANCE = 1.5;

  /** How much wider than a cell alone the cell with its neighbours counts at most. */
  private static final double ALONE = 2;

  private static final double LEAST_SEEN = 0.7;

  private final Device device;
  private final SurroundingKernel kernel = new SurroundingKernel();
  private int cellsAcross;
  private int cellsDown;
  private double cell;
  private float[] structure;

  public Surroundings(Device device) {
    this.device = device;
  }

  /**
   * Measures how much structure there is that is no star's, all over an image.
   *
   * @param image electrons, sky subtracted, row-major
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param model electrons of the stars known so far, which are taken off the image here
   * @param width columns
   * @param height rows
   * @param psf PSF on a square of odd side, sum about 1
   * @param fwhm of the PSF, pixels
   */
  public void measure(
      float[] image, float[] base, float[] model, int width, int height, float[] psf, double fwhm) {
    double step = Math.max(LEAST_STEP, STEP * fwhm);
    int across = Math.max(1, (int) (width / step));
    int down = Math.max(1, (int) (height / step));
    float[] x = new float[across * down];
    float[] y = new float[across * down];
    for (int k = 0; k < x.length; k++) {
      // Off the lattice by what has no period: structure may have the lattice's.
      x[k] = (float) Math.floor((k % across + ACROSS * k % 1) * width / across);
      y[k] = (float) Math.floor((k / across + DOWN * k % 1) * height / down);
    }
    kernel.bounded = 0;
    kernel.halvings = 5;
    look(x, y, image, base, model, width, height, psf, fwhm);
    cell = CELL * step;
    cellsAcross = (across + CELL - 1) / CELL;
    cellsDown = (down + CELL - 1) / CELL;
    structure = new float[cellsAcross * cellsDown];
    for (int c = 0; c < structure.length; c++) {
      // Of the cell alone it is uncertain by a third; with those around it, it may be theirs.
      double w =
          Math.min(
              lowerWidth(c % cellsAcross, c / cellsAcross, CELLS_AROUND, across, down),
              ALONE * lowerWidth(c % cellsAcross, c / cellsAcross, 0, across, down));
      structure[c] = (float) Math.sqrt(Math.max(1, 1 + w * w - CHANCE * CHANCE));
    }
  }

  /**
   * A standard deviation of the places in and around a cell, by the median and the value that
   * 0.3085 are below, half of one apart: the edge of a bright or dark patch among the places does
   * not reach that far in. 0 where there are too few.
   */
  private double lowerWidth(int cellX, int cellY, int around, int across, int down) {
    int fromX = Math.max(0, (cellX - around) * CELL);
    int toX = Math.min(across, (cellX + around + 1) * CELL);
    int fromY = Math.max(0, (cellY - around) * CELL);
    int toY = Math.min(down, (cellY + around + 1) * CELL);
    float[] values = new float[(toX - fromX) * (toY - fromY)];
    int n = 0;
    for (int row = fromY; row < toY; row++) {
      for (int k = row * across + fromX; k < row * across + toX; k++) {
        float left = kernel.significance[k] - kernel.added[k];
        if (!Float.isNaN(left)) {
          values[n++] = left;
        }
      }
    }
    if (n < LEAST_PLACES) {
      return 0;
    }
    Arrays.sort(values, 0, n);
    return 2 * (values[n / 2] - values[(int) (0.3085 * n)]);
  }

  /**
   * The significance that is left to peaks without the light around them, in units of what noise
   * and structure give.
   *
   * @param peaks of a search of the image
   * @param chosen which of them
   * @param image electrons, sky subtracted, row-major
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param model electrons of the stars known so far, which are taken off the image here
   * @param width columns
   * @param height rows
   * @param psf PSF on a square of odd side, sum about 1
   * @param fwhm of the PSF, pixels
   * @return standard deviations, for each one chosen; at most the peak's own significance
   */
  public float[] significance(
      Peaks peaks,
      int[] chosen,
      float[] image,
      float[] base,
      float[] model,
      int width,
      int height,
      float[] psf,
      double fwhm) {
    int n = chosen.length;
    float[] left = new float[n];
    if (n == 0) {
      return left;
    }
    float[] x = new float[n];
    float[] y = new float[n];
    for (int k = 0; k < n; k++) {
      x[k] = peaks.x()[chosen[k]];
      y[k] = peaks.y()[chosen[k]];
    }
    kernel.bounded = 1;
    kernel.halvings = 6;
    look(x, y, image, base, model, width, height, psf, fwhm);
    for (int k = 0; k < n; k++) {
      left[k] = (peaks.significance()[chosen[k]] - kernel.added[k]) / structureAt(x[k], y[k]);
    }
    return left;
  }

  private float structureAt(float x, float y) {
    int column = Math.max(0, Math.min(cellsAcross - 1, (int) (x / cell)));
    int row = Math.max(0, Math.min(cellsDown - 1, (int) (y / cell)));
    return structure[row * cellsAcross + column];
  }

  private void look(
      float[] x,
      float[] y,
      float[] image,
      float[] base,
      float[] model,
      int width,
      int height,
      float[] psf,
      double fwhm) {
    kernel.width = width;
    kernel.height = height;
    ring(INNER * fwhm, OUTER * fwhm);
    kernel.radius = ((int) Math.round(Math.sqrt(psf.length)) - 1) / 2;
    kernel.psf = psf;
    double sum = 0;
    for (float p : psf) {
      sum += p;
    }
    kernel.leastSeen = (float) (LEAST_SEEN * sum);
    kernel.image = image;
    kernel.base = base;
    kernel.model = model;
    kernel.x = x;
    kernel.y = y;
    if (kernel.added == null || kernel.added.length < x.length) {
      kernel.added = new float[x.length];
      kernel.significance = new float[x.length];
    }
    device.run(kernel, x.length);
    // The planes are the caller's: this object lives on and must not hold them.
    kernel.image = null;
    kernel.base = null;
    kernel.model = null;
  }

  private void ring(double inner, double outer) {
    int reach = (int) outer;
    int side = 2 * reach + 1;
    kernel.ringX = new int[side * side];
    kernel.ringY = new int[side * side];
    kernel.ringOffset = new int[side * side];
    kernel.reach = reach;
    kernel.ring = 0;
    for (int dy = -reach; dy <= reach; dy++) {
      for (int dx = -reach; dx <= reach; dx++) {
        double distance = Math.hypot(dx, dy);
        if (distance >= inner && distance <= outer) {
          kernel.ringOffset[kernel.ring] = dy * kernel.width + dx;
          kernel.ringX[kernel.ring] = dx;
          kernel.ringY[kernel.ring++] = dy;
        }
      }
    }
  }
}
