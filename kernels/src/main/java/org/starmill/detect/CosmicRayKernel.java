package org.starmill.detect;

import org.starmill.device.ItemKernel;

/**
 * Marks the pixels of one row that rise more steeply than the light of stars can.
 *
 * <p>Two tests, as in L.A.Cosmic (van Dokkum 2001, PASP 113, 1420). The first asks for a
 * significant Laplacian: of the image subsampled twice, clipped at zero and binned again, which
 * comes to (1/8) sum over the four corners of max(0, 2 v - a - b), with the pixel's value v and its
 * neighbours a and b at that corner. The second separates cosmic rays from the fine structure of
 * stars; in place of van Dokkum's median filters it takes the PSF itself. Of any star, wherever its
 * centre, the mean of two opposite neighbours is at least a share r of the pixel between them, r
 * being that of a star centred on the pixel; so is, for a share of its own, the mean over several
 * such pairs. As sums of stars obey what each star obeys, this holds for blends too. A pixel for
 * which it fails in one of the four directions, or for the pairs together, by several standard
 * deviations is not lit by stars. The shares are taken smaller than the PSF says, for a PSF that is
 * not quite known. Where stars were taken out, those left over and those fitted badly leave steep
 * residuals: there the same pairs must be too dark in the light with the stars as well.
 *
 * <p>In later rounds only the neighbours of pixels marked before are looked at, with lower
 * thresholds, and a marked pixel counts as the mean of those about it.
 */
final class CosmicRayKernel extends ItemKernel {
  /** What a pixel beside a marked one has of its light at most if it is to be marked with it. */
  private static final float BELOW = 0.5f;

  int width;
  int height;

  /** Ints a row of {@code hit}, {@code look} and {@code found} has; a bit is a pixel. */
  int words;

  /** 0: look at all pixels; 1: at those of {@code look}. */
  int later;

  /** Least Laplacian, in standard deviations, and least value. */
  float steepness;

  /** By how many standard deviations a pixel must fail to be a star's. */
  float contrast;

  /** Standard deviations of the sky below which a pixel is faint. */
  float faint;

  /** Error of the model as a share of it. */
  float modelError;

  /** Electrons without the sky, with the stars of the model. */
  float[] image;

  /** Variance of the empty sky; 0 where a pixel must not be used. */
  float[] base;

  /** Electrons of the stars that are known. */
  float[] model;

  /** Shares r of the pairs: along x, along y, along both diagonals. */
  float[] share;

  /** The shares by the PSF itself, that all light together is held to. */
  float[] psfShare;

  /** Pixels marked in earlier rounds, those to be looked at, and those marked now. */
  int[] hit;

  int[] look;
  @Output int[] found;

  @Override
  public void item(int y) {
    int at = y * words;
    for (int k = 0; k < words; k++) {
      int bits = 0;
      int from = 32 * k;
      int to = min(width, from + 32);
      if (later == 0) {
        for (int x = from; x < to; x++) {
          if (steep(x, y) != 0 && unlikeStars(x, y) != 0) {
            bits = bits | (1 << (x - from));
          }
        }
      } else {
        int candidates = look[at + k];
        if (candidates != 0) {
          for (int x = from; x < to; x++) {
            if (((candidates >> (x - from)) & 1) != 0
                && steep(x, y) != 0
                && (belowItsHit(x, y) != 0 || unlikeStars(x, y) != 0)) {
              bits = bits | (1 << (x - from));
            }
          }
        }
      }
      found[at + k] = bits;
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    if (later != 0) {
      super.vectorItems(from, to);
    } else {
      for (int y = from; y < to; y++) {
        CosmicRayRow.mark(this, y);
      }
    }
  }

  /** What the stars leave of a pixel. */
  private float residual(int i) {
    return image[i] - model[i];
  }

  /** Variance of a pixel, what its own light and the model's error add included. */
  private float variance(int i) {
    float light = max(model[i], 0f);
    float error = modelError * light;
    return base[i] + max(residual(i) + light, 0f) + error * error;
  }

  private int isHit(int x, int y) {
    return (hit[y * words + (x >> 5)] >> (x & 31)) & 1;
  }

  /** Whether a pixel lies within the image and is known: of itself, or marked and filled in. */
  private int isKnown(int x, int y) {
    int known = 0;
    if (x >= 0 && y >= 0 && x < width && y < height) {
      if (base[y * width + x] > 0f || isHit(x, y) != 0) {
        known = 1;
      }
    }
    return known;
  }

  /**
   * The value of a known pixel; for a marked one the mean of the good ones among its neighbours.
   */
  private float valueOf(int x, int y) {
    float value = residual(y * width + x);
    if (isHit(x, y) != 0) {
      float sum = 0f;
      float count = 0f;
      for (int sy = max(0, y - 1); sy <= min(height - 1, y + 1); sy++) {
        for (int sx = max(0, x - 1); sx <= min(width - 1, x + 1); sx++) {
          int i = sy * width + sx;
          if (base[i] > 0f && isHit(sx, sy) == 0) {
            sum += residual(i);
            count += 1f;
          }
        }
      }
      value = count > 0f ? sum / count : 0f;
    }
    return value;
  }

  /** What a neighbour counts for in the Laplacian: as much as the pixel itself where unknown. */
  private float beside(int x, int y, float value) {
    float other = value;
    if (isKnown(x, y) != 0) {
      other = valueOf(x, y);
    }
    return other;
  }

  /** Whether the Laplacian of a pixel that may be used is significant. */
  int steep(int x, int y) {
    int i = y * width + x;
    int is = 0;
    float value = residual(i);
    if (base[i] > 0f && value > 0f && isHit(x, y) == 0) {
      float bound = steepness * steepness * variance(i);
      if (value * value > bound) {
        float left = beside(x - 1, y, value);
        float right = beside(x + 1, y, value);
        float down = beside(x, y - 1, value);
        float up = beside(x, y + 1, value);
        float twice = 2f * value;
        float laplacian =
            0.125f
                * (max(0f, twice - left - down)
                    + max(0f, twice - right - down)
                    + max(0f, twice - left - up)
                    + max(0f, twice - right - up));
        if (laplacian * laplacian > bound) {
          is = 1;
        }
      }
    }
    return is;
  }

  /** Whether a faint pixel lies beside a marked one that is several times as bright. */
  private int belowItsHit(int x, int y) {
    int i = y * width + x;
    float value = residual(i);
    int below = 0;
    if (value * value < faint * faint * base[i]) {
      for (int sy = max(0, y - 1); sy <= min(height - 1, y + 1); sy++) {
        for (int sx = max(0, x - 1); sx <= min(width - 1, x + 1); sx++) {
          if (isHit(sx, sy) != 0 && value < BELOW * residual(sy * width + sx)) {
            below = 1;
          }
        }
      }
    }
    return below;
  }

  /** Whether opposite neighbours of a pixel are darker than any star would leave them. */
  int unlikeStars(int x, int y) {
    int i = y * width + x;
    float value = residual(i);
    float own = variance(i);
    float[] excess = new float[4];
    float[] shares = new float[4];
    float[] variances = new float[4];
    float[] all = new float[4];
    int known = 0;
    for (int direction = 0; direction < 4; direction++) {
      int dx = direction == 1 ? 0 : 1;
      int dy = direction == 0 ? 0 : (direction == 3 ? -1 : 1);
      if (isKnown(x - dx, y - dy) != 0 && isKnown(x + dx, y + dy) != 0) {
        // What a model leaves below zero must not make its surroundings look steep.
        float first = max(0f, valueOf(x - dx, y - dy));
        float second = max(0f, valueOf(x + dx, y + dy));
        int step = dy * width + dx;
        float light = value + max(0f, model[i]);
        float lightBeside = max(0f, model[i - step]) + max(0f, model[i + step]);
        shares[direction] = share[direction];
        all[direction] = psfShare[direction] * light - 0.5f * (first + second + lightBeside);
        excess[direction] = share[direction] * value - 0.5f * (first + second);
        variances[direction] = 0.25f * (variance(i - step) + variance(i + step));
        known = known | (1 << direction);
      }
    }
    int unlike = 0;
    for (int chosen = 1; chosen < 16; chosen++) {
      if ((chosen & known) == chosen) {
        float e = 0f;
        float r = 0f;
        float v = 0f;
        float a = 0f;
        for (int direction = 0; direction < 4; direction++) {
          if (((chosen >> direction) & 1) != 0) {
            e += excess[direction];
            r += shares[direction];
            v += variances[direction];
            a += all[direction];
          }
        }
        if (a > 0f && e > 0f && e * e > contrast * contrast * (r * r * own + v)) {
          unlike = 1;
        }
      }
    }
    return unlike;
  }
}
