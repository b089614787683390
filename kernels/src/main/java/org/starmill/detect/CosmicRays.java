package org.starmill.detect;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.image.PixelFlag;

/**
 * Masks what cosmic rays, and hot pixels, have left in an image.
 *
 * <p>L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) with the PSF in place of its fine structure
 * image, as {@link CosmicRayKernel} says; no pixel is looked at closely unless its Laplacian is
 * significant, and after the first round none but the neighbours of marked ones. So that the core
 * of an undersampled star is not taken for a cosmic ray, the PSF need be known to a sixth of its
 * width only.
 */
public final class CosmicRays {
  private static final int ROUNDS = 5;

  /** Significance of the Laplacian in the first round and beside marked pixels. */
  private static final float STEEPNESS = 4.5f;

  private static final float GROWTH_STEEPNESS = 2.5f;

  /** By how many standard deviations a pixel must fail to be a star's. */
  private static final float CONTRAST = 4.5f;

  private static final float GROWTH_CONTRAST = 2.5f;

  /**
   * Part of the neighbours' share of light by the PSF that is asked for, along rows and columns;
   * its square along diagonals. Stars may be that much sharper than the PSF: one guessed to a tenth
   * of its width, and one fitted.
   */
  public static final double GUESSED_PSF = 0.6;

  public static final double FITTED_PSF = 0.75;

  /** What a PSF not quite right leaves of a star, as a share of the star. */
  private static final float FAINT = 25f;

  private static final float MODEL_ERROR = 0.02f;

  private final Device device;
  private final CosmicRayKernel kernel = new CosmicRayKernel();

  public CosmicRays(Device device) {
    this.device = device;
  }

  /**
   * Adds {@link PixelFlag#COSMIC_RAY} to the mask of each pixel hit.
   *
   * @param residual electrons, sky subtracted, without the stars known so far; in a first search
   *     the image itself
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used
   * @param model electrons of the stars taken out of the residual; 0 in a first search
   * @param mask bits of {@link PixelFlag}, changed
   * @param width columns
   * @param height rows
   * @param psf the PSF centred on a pixel, on a square of odd side, 3 or more
   * @param tolerance {@link #GUESSED_PSF} or {@link #FITTED_PSF}
   * @return number of pixels marked
   */
  public int mask(
      float[] residual,
      float[] base,
      float[] model,
      short[] mask,
      int width,
      int height,
      float[] psf,
      double tolerance) {
    resize(width, height);
    kernel.faint = FAINT;
    kernel.modelError = MODEL_ERROR;
    kernel.residual = residual;
    kernel.base = base;
    kernel.model = model;
    kernel.share = shares(psf, tolerance);
    kernel.psfShare = shares(psf, 1);
    Arrays.fill(kernel.hit, 0);
    int marked = 0;
    for (int round = 0; round < ROUNDS; round++) {
      kernel.later = round == 0 ? 0 : 1;
      kernel.steepness = round == 0 ? STEEPNESS : GROWTH_STEEPNESS;
      kernel.contrast = round == 0 ? CONTRAST : GROWTH_CONTRAST;
      device.run(kernel, height);
      int found = take(mask);
      marked += found;
      if (found == 0) {
        break;
      }
    }
    // The planes are the caller's: this object lives on and must not hold them.
    kernel.residual = null;
    kernel.base = null;
    kernel.model = null;
    return marked;
  }

  private void resize(int width, int height) {
    int words = (width + 31) / 32;
    if (kernel.hit == null || kernel.hit.length != words * height) {
      kernel.hit = new int[words * height];
      kernel.look = new int[words * height];
      kernel.found = new int[words * height];
    }
    kernel.width = width;
    kernel.height = height;
    kernel.words = words;
  }

  /**
   * For each direction the share of the middle pixel's light in either neighbour, as it is asked
   * for.
   */
  private static float[] shares(float[] psf, double tolerance) {
    int side = (int) Math.round(Math.sqrt(psf.length));
    if (side < 3 || side % 2 == 0 || side * side != psf.length) {
      throw new IllegalArgumentException(
          "a PSF of %d pixels: expected a square of odd side, 3 or more".formatted(psf.length));
    }
    int middle = psf.length / 2;
    int[] step = {1, side, side + 1, 1 - side};
    float[] shares = new float[4];
    for (int k = 0; k < 4; k++) {
      float pair = 0.5f * (psf[middle - step[k]] + psf[middle + step[k]]);
      shares[k] = (float) (k < 2 ? tolerance : tolerance * tolerance) * pair / psf[middle];
    }
    return shares;
  }

  /** Moves what was found to the mask and the hits, and lets the next round look around it. */
  private int take(short[] mask) {
    int words = kernel.words;
    Arrays.fill(kernel.look, 0);
    int count = 0;
    for (int y = 0; y < kernel.height; y++) {
      for (int k = 0; k < words; k++) {
        int bits = kernel.found[y * words + k];
        kernel.hit[y * words + k] |= bits;
        while (bits != 0) {
          int x = 32 * k + Integer.numberOfTrailingZeros(bits);
          bits &= bits - 1;
          mask[y * kernel.width + x] |= (short) PixelFlag.COSMIC_RAY;
          lookAround(x, y);
          count++;
        }
      }
    }
    return count;
  }

  private void lookAround(int x, int y) {
    for (int sy = Math.max(0, y - 1); sy <= Math.min(kernel.height - 1, y + 1); sy++) {
      for (int sx = Math.max(0, x - 1); sx <= Math.min(kernel.width - 1, x + 1); sx++) {
        kernel.look[sy * kernel.words + (sx >> 5)] |= 1 << (sx & 31);
      }
    }
  }
}
