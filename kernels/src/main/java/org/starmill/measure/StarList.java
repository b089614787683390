package org.starmill.measure;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.starmill.detect.Peaks;
import org.starmill.psf.Psf;
import org.starmill.psf.PsfKernel;

/** The stars of an image while they are being fitted: a column a quantity, in any order. */
final class StarList {
  /** A pixel that answers less to light is dead. */
  private static final float LEAST_RESPONSE = 0.05f;

  /** A step, in standard deviations, as of a star that was not fitted yet. */
  static final float RESTLESS = 10f;

  /** The same of a star that is not in the model yet. */
  static final float FRESH = 11f;

  /** Side of the squares that stars are sorted by, pixels. */
  private static final int PLACE = 64;

  int[] centreX = new int[0];
  int[] centreY = new int[0];
  float[] offsetX = new float[0];
  float[] offsetY = new float[0];
  float[] flux = new float[0];
  float[] skyOffset = new float[0];
  float[] photon = new float[0];
  float[] errorX = new float[0];
  float[] errorY = new float[0];
  float[] errorFlux = new float[0];
  float[] chi2 = new float[0];
  float[] sharp = new float[0];
  float[] quality = new float[0];
  float[] crowding = new float[0];
  int[] flags = new int[0];
  int[] pass = new int[0];

  /** Fluxes in apertures and their errors, by aperture then by star; empty until measured. */
  float[][] aperFlux = new float[0][];

  float[][] aperError = new float[0][];

  /** Where the fit of this pass began, pixels: no star goes far from there. */
  float[] anchorX = new float[0];

  float[] anchorY = new float[0];

  /** Size of the last step in standard deviations; below 0 where the pixels do not determine it. */
  float[] moved = new float[0];

  /** Factor on the diagonal of the star's system, and chi squared of its stamp before that step. */
  float[] damping = new float[0];

  float[] lastChi2 = new float[0];

  /** Number that the star had when the stars were last arranged; -1 of a star that came since. */
  int[] arranged = new int[0];

  /** How many neighbours were too many to be solved together with the star. */
  int[] leftOut = new int[0];

  int count() {
    return centreX.length;
  }

  double x(int star) {
    return (double) centreX[star] + offsetX[star];
  }

  double y(int star) {
    return (double) centreY[star] + offsetY[star];
  }

  /** Appends chosen peaks as stars of a pass. */
  void append(Peaks peaks, int[] chosen, int passNumber) {
    int from = count();
    resize(from + chosen.length);
    for (int k = 0; k < chosen.length; k++) {
      int i = from + k;
      place(i, peaks.x()[chosen[k]], peaks.y()[chosen[k]]);
      flux[i] = peaks.flux()[chosen[k]];
      errorFlux[i] = peaks.flux()[chosen[k]] / peaks.significance()[chosen[k]];
      crowding[i] = 1f;
      quality[i] = 1f;
      pass[i] = passNumber;
      moved[i] = FRESH;
      damping[i] = 1f;
    }
  }

  /** Numbers of the stars that are not in the model yet. */
  int[] fresh() {
    return IntStream.range(0, count()).filter(i -> moved[i] == FRESH).toArray();
  }

  /** Lets all stars take part in the next sweep. */
  void unsettle() {
    Arrays.fill(moved, RESTLESS);
  }

  /** Makes room for more stars at the end. */
  void extend(int more) {
    resize(count() + more);
  }

  /** Puts two halves in the place of a star, either way of it by (dx, dy) pixels. */
  void divide(int star, int second, double dx, double dy) {
    double x = x(star);
    double y = y(star);
    place(star, x - dx, y - dy);
    place(second, x + dx, y + dy);
    flux[star] *= 0.5f;
    flux[second] = flux[star];
    errorFlux[second] = errorFlux[star];
    crowding[second] = 1f;
    quality[second] = 1f;
    pass[second] = pass[star];
    arranged[star] = -1;
    moved[star] = FRESH;
    moved[second] = FRESH;
    damping[second] = 1f;
  }

  private void place(int star, double x, double y) {
    int px = (int) Math.round(x);
    int py = (int) Math.round(y);
    centreX[star] = px;
    centreY[star] = py;
    offsetX[star] = (float) (x - px);
    offsetY[star] = (float) (y - py);
  }

  /** Makes the pixel a star's centre lies in its pixel again, after fits have moved it. */
  void recentre() {
    for (int i = 0; i < count(); i++) {
      int shiftX = Math.round(offsetX[i]);
      int shiftY = Math.round(offsetY[i]);
      centreX[i] += shiftX;
      centreY[i] += shiftY;
      offsetX[i] -= shiftX;
      offsetY[i] -= shiftY;
    }
  }

  /**
   * Sets the photon noise of each new star, 1 / response, from the mean response of the 3 x 3
   * pixels at its place that have one; a pixel without is masked and brings the star no electrons.
   *
   * @param response null for 1 everywhere
   */
  void photons(float[] response, int width, int height) {
    for (int i = 0; i < count(); i++) {
      if (moved[i] != FRESH) {
        continue;
      }
      photon[i] = 1f;
      if (response != null) {
        int count = 0;
        float sum = 0f;
        for (int y = Math.max(0, centreY[i] - 1); y <= Math.min(height - 1, centreY[i] + 1); y++) {
          for (int x = Math.max(0, centreX[i] - 1); x <= Math.min(width - 1, centreX[i] + 1); x++) {
            float value = response[y * width + x];
            if (value > LEAST_RESPONSE && value < Float.POSITIVE_INFINITY) {
              sum += value;
              count++;
            }
          }
        }
        photon[i] = count == 0 ? 1f : count / sum;
      }
    }
  }

  /** Form of each star, {@link PsfKernel#FORM} numbers; all 0 until {@link #shape} gives it. */
  float[] form = new float[0];

  /**
   * Gives the stars the forms that a PSF has at their places.
   *
   * @param all false for those without a form alone: a step of the fit changes no form to speak of
   */
  void shape(Psf psf, boolean all) {
    for (int i = 0; i < count(); i++) {
      int at = i * PsfKernel.FORM;
      if (all || form[at + 4] == 0f) {
        psf.formAt(x(i), y(i), form, at);
      }
    }
  }

  /** Numbers of all stars by flux, brightest first; of equal ones the first. */
  int[] byFlux() {
    long[] keys = new long[count()];
    for (int i = 0; i < keys.length; i++) {
      // The bits of a float, turned so that they sort as the numbers do, brightest first.
      int bits = Float.floatToIntBits(flux[i]);
      int ordered = bits ^ ((bits >> 31) & 0x7fffffff);
      keys[i] = ((long) ~ordered << 32) | i;
    }
    return inOrder(keys);
  }

  /** The numbers in the lower halves of the keys, by the keys' order. */
  private static int[] inOrder(long[] keys) {
    Arrays.sort(keys);
    int[] order = new int[keys.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) keys[i];
    }
    return order;
  }

  /** Sorts the stars so that those near each other stand near each other. */
  void sortByPlace() {
    long[] keys = new long[count()];
    for (int i = 0; i < keys.length; i++) {
      long row = Math.floorDiv(centreY[i], PLACE) + 0x40000L;
      long column = Math.floorDiv(centreX[i], PLACE) + 0x40000L;
      keys[i] = (row << 44) + (column << 24) + i;
    }
    Arrays.sort(keys);
    int[] order = new int[keys.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) (keys[i] & 0xffffff);
    }
    keep(order);
  }

  /** Keeps the given stars, in the order given. */
  void keep(int[] chosen) {
    centreX = pick(centreX, chosen);
    centreY = pick(centreY, chosen);
    offsetX = pick(offsetX, chosen);
    offsetY = pick(offsetY, chosen);
    flux = pick(flux, chosen);
    skyOffset = pick(skyOffset, chosen);
    photon = pick(photon, chosen);
    errorX = pick(errorX, chosen);
    errorY = pick(errorY, chosen);
    errorFlux = pick(errorFlux, chosen);
    chi2 = pick(chi2, chosen);
    sharp = pick(sharp, chosen);
    quality = pick(quality, chosen);
    crowding = pick(crowding, chosen);
    flags = pick(flags, chosen);
    anchorX = pick(anchorX, chosen);
    anchorY = pick(anchorY, chosen);
    moved = pick(moved, chosen);
    leftOut = pick(leftOut, chosen);
    arranged = pick(arranged, chosen);
    damping = pick(damping, chosen);
    lastChi2 = pick(lastChi2, chosen);
    form = pickForms(chosen);
    pass = pick(pass, chosen);
    aperFlux = pick(aperFlux, chosen);
    aperError = pick(aperError, chosen);
  }

  private static float[][] pick(float[][] values, int[] chosen) {
    float[][] picked = new float[values.length][];
    for (int k = 0; k < picked.length; k++) {
      picked[k] = pick(values[k], chosen);
    }
    return picked;
  }

  /** Sorts the stars by y, then x. */
  void sort() {
    keep(
        IntStream.range(0, count())
            .boxed()
            .sorted(
                (a, b) -> {
                  int byY = Double.compare(y(a), y(b));
                  return byY != 0 ? byY : Double.compare(x(a), x(b));
                })
            .mapToInt(Integer::intValue)
            .toArray());
  }

  private void resize(int n) {
    centreX = Arrays.copyOf(centreX, n);
    centreY = Arrays.copyOf(centreY, n);
    offsetX = Arrays.copyOf(offsetX, n);
    offsetY = Arrays.copyOf(offsetY, n);
    flux = Arrays.copyOf(flux, n);
    skyOffset = Arrays.copyOf(skyOffset, n);
    photon = Arrays.copyOf(photon, n);
    errorX = Arrays.copyOf(errorX, n);
    errorY = Arrays.copyOf(errorY, n);
    errorFlux = Arrays.copyOf(errorFlux, n);
    chi2 = Arrays.copyOf(chi2, n);
    sharp = Arrays.copyOf(sharp, n);
    quality = Arrays.copyOf(quality, n);
    crowding = Arrays.copyOf(crowding, n);
    flags = Arrays.copyOf(flags, n);
    anchorX = Arrays.copyOf(anchorX, n);
    anchorY = Arrays.copyOf(anchorY, n);
    moved = Arrays.copyOf(moved, n);
    leftOut = Arrays.copyOf(leftOut, n);
    int known = arranged.length;
    arranged = Arrays.copyOf(arranged, n);
    Arrays.fill(arranged, Math.min(known, n), n, -1);
    damping = Arrays.copyOf(damping, n);
    lastChi2 = Arrays.copyOf(lastChi2, n);
    form = Arrays.copyOf(form, n * PsfKernel.FORM);
    pass = Arrays.copyOf(pass, n);
  }

  private float[] pickForms(int[] chosen) {
    float[] picked = new float[chosen.length * PsfKernel.FORM];
    for (int i = 0; i < chosen.length; i++) {
      System.arraycopy(
          form, chosen[i] * PsfKernel.FORM, picked, i * PsfKernel.FORM, PsfKernel.FORM);
    }
    return picked;
  }

  private static int[] pick(int[] values, int[] chosen) {
    int[] picked = new int[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      picked[i] = values[chosen[i]];
    }
    return picked;
  }

  private static float[] pick(float[] values, int[] chosen) {
    float[] picked = new float[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      picked[i] = values[chosen[i]];
    }
    return picked;
  }

  /** Whether a star's flux and errors are numbers to go on with. */
  boolean isFinite(int star) {
    return Float.isFinite(flux[star])
        && errorFlux[star] > 0
        && Float.isFinite(errorFlux[star])
        && Float.isFinite(errorX[star])
        && Float.isFinite(errorY[star]);
  }
}
