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

  /** The threshold beside marked pixels, as a part of that elsewhere. */
  private static final double GROWTH = 0.55;

  /** How much sharper than a PSF that is a guess, not yet fitted, stars may be besides. */
  private static final double GUESSED = 1.25;

  /** Standard deviations of the sky below which a pixel beside a hit is faint. */
  private static final float FAINT = 25f;

  /** What a PSF not quite right leaves of a star, as a share of the star. */
  private static final float MODEL_ERROR = 0.02f;

  private final Device device;
  private final double threshold;
  private final double contrast;
  private final CosmicRayKernel kernel = new CosmicRayKernel();

  /**
   * A search with its thresholds.
   *
   * @param device the kernel runs on
   * @param threshold significance of the Laplacian from which on a pixel is looked at, and standard
   *     deviations by which it must then fail to be a star's; L.A.Cosmic's own is 4.5
   * @param contrast how many times sharper than the PSF stars may be: along rows and columns a
   *     pixel's neighbours are asked to share its light by the PSF divided by this, along diagonals
   *     by its square
   */
  public CosmicRays(Device device, double threshold, double contrast) {
    this.device = device;
    this.threshold = threshold;
    this.contrast = contrast;
  }

  /**
   * Adds {@link PixelFlag#COSMIC_RAY} to the mask of each pixel hit, and takes it out of use.
   *
   * @param image electrons, sky subtracted; becomes 0 where a pixel is hit
   * @param base variance of the empty sky, electrons squared, 0 where a pixel must not be used, as
   *     those that are hit from now on
   * @param model electrons of the stars known so far, which are taken off the image here; 0 in a
   *     first search
   * @param mask bits of {@link PixelFlag}, changed
   * @param width columns
   * @param height rows
   * @param psf the PSF centred on a pixel, on a square of odd side, 3 or more
   * @param guessed whether the PSF is a guess to a tenth of its width, not fitted
   * @return number of pixels marked
   */
  public int mask(
      float[] image,
      float[] base,
      float[] model,
      short[] mask,
      int width,
      int height,
      float[] psf,
      boolean guessed) {
    resize(width, height);
    kernel.faint = FAINT;
    kernel.modelError = MODEL_ERROR;
    kernel.image = image;
    kernel.base = base;
    kernel.model = model;
    kernel.share = shares(psf, 1 / (guessed ? GUESSED * contrast : contrast));
    kernel.psfShare = shares(psf, 1);
    Arrays.fill(kernel.hit, 0);
    int marked = 0;
    for (int round = 0; round < ROUNDS; round++) {
      kernel.later = round == 0 ? 0 : 1;
      kernel.steepness = (float) (round == 0 ? threshold : GROWTH * threshold);
      kernel.contrast = kernel.steepness;
      if (round > 0) {
        kernel.unchanged(image, base, model, kernel.share, kernel.psfShare);
      }
      device.run(kernel, height);
      int found = take(mask);
      marked += found;
      if (found == 0) {
        break;
      }
    }
    if (marked > 0) {
      takeOut(image, base);
    }
    // The planes are the caller's: this object lives on and must not hold them.
    kernel.image = null;
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
   * for: times a tolerance along rows and columns, times its square along diagonals.
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
        if (bits == 0) {
          continue;
        }
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

  private void takeOut(float[] image, float[] base) {
    int words = kernel.words;
    for (int k = 0; k < kernel.hit.length; k++) {
      for (int bits = kernel.hit[k]; bits != 0; bits &= bits - 1) {
        int x = 32 * (k % words) + Integer.numberOfTrailingZeros(bits);
        int i = k / words * kernel.width + x;
        image[i] = 0f;
        base[i] = 0f;
      }
    }
  }

  private void lookAround(int x, int y) {
    for (int sy = Math.max(0, y - 1); sy <= Math.min(kernel.height - 1, y + 1); sy++) {
      for (int sx = Math.max(0, x - 1); sx <= Math.min(kernel.width - 1, x + 1); sx++) {
        kernel.look[sy * kernel.words + (sx >> 5)] |= 1 << (sx & 31);
      }
    }
  }
}
