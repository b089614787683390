package org.starmill.detect;

import org.starmill.device.ItemKernel;

/**
 * The light around a place and what it adds to the matched filter there, an item a place: the
 * median of the pixels of a ring, by bisection.
 *
 * <p>Most rings are dark, which one look at their pixels tells: no more than half of them are above
 * {@link #NOTHING} standard deviations of their median.
 */
final class SurroundingKernel extends ItemKernel {
  /** Standard deviations of the median up to which a ring counts as dark. */
  static final float NOTHING = 2f;

  /** Fewest pixels that make a median. */
  static final int LEAST_PIXELS = 16;

  /** How often the interval that the median is in may become twice as wide. */
  static final int DOUBLINGS = 40;

  /** Below any pixel. */
  private static final float LOWEST = -3e38f;

  int width;
  int height;

  /** Columns and rows of the ring's pixels, from the middle pixel. */
  int[] ringX;

  int[] ringY;

  /** The same in one number, for rings that are within the image. */
  int[] ringOffset;

  int ring;

  /** How far the ring reaches, pixels. */
  int reach;

  /** Electrons without the sky, with the stars of the model. */
  float[] image;

  float[] base;
  float[] model;

  /** The PSF on a square of side 2 radius + 1, the middle pixel that of the place. */
  float[] psf;

  int radius;

  /** How often the interval that the median is in is halved. */
  int halvings;

  /** 1 where more light than would hide the place's own is of no interest, 0 where it is. */
  int bounded;

  /** Part of the PSF that must be on good pixels. */
  float leastSeen;

  /** The places, pixels. */
  float[] x;

  float[] y;

  /** Significance of a star at the place; NaN where too little of it would be seen. */
  float[] significance;

  /** What the light of the ring, as far as it exceeds noise, adds to the significance. */
  float[] added;

  @Override
  public void item(int place) {
    int centreX = (int) (x[place] + 0.5f);
    int centreY = (int) (y[place] + 0.5f);
    int side = 2 * radius + 1;
    float data = 0;
    float flat = 0;
    float information = 0;
    float seen = 0;
    for (int dy = max(-radius, -centreY); dy <= min(radius, height - 1 - centreY); dy++) {
      int from = max(-radius, -centreX);
      int to = min(radius, width - 1 - centreX);
      for (int dx = from; dx <= to; dx++) {
        int i = (centreY + dy) * width + centreX + dx;
        if (base[i] > 0) {
          float p = psf[(dy + radius) * side + dx + radius];
          float weighted = p / base[i];
          data += weighted * (image[i] - model[i]);
          flat += weighted;
          information += weighted * p;
          seen += p;
        }
      }
    }
    boolean enough = seen > leastSeen;
    float scale = information > 0 ? 1 / sqrt(information) : 0;
    significance[place] = enough ? data * scale : Float.NaN;
    added[place] = flat > 0 ? light(centreX, centreY, data / flat, seen / flat) * flat * scale : 0;
  }

  @Override
  protected void vectorItems(int from, int to) {
    new SurroundingVectors(this).items(from, to);
  }

  /**
   * The median of the ring beyond noise, electrons a pixel; 0 where it is dark.
   *
   * @param hides what would make up all of the place's significance
   * @param variance of a pixel near the place
   */
  private float light(int centreX, int centreY, float hides, float variance) {
    int n = brighter(centreX, centreY, LOWEST);
    float found = 0;
    if (n >= LEAST_PIXELS) {
      // The median's standard deviation is 1.25 times the mean's.
      float dark = NOTHING * 1.25f * sqrt(variance / n);
      if (2 * brighter(centreX, centreY, dark) > n) {
        float low = dark;
        float high = dark + max(hides, 2 * dark);
        // Where all of it is of interest, twice as high until it is too high.
        int tooLow = 1 - bounded;
        for (int k = 0; k < DOUBLINGS; k++) {
          if (tooLow > 0) {
            tooLow = 2 * brighter(centreX, centreY, high) > n ? 1 : 0;
            low = tooLow > 0 ? high : low;
            high = tooLow > 0 ? 2 * high : high;
          }
        }
        for (int k = 0; k < halvings; k++) {
          float middle = 0.5f * (low + high);
          if (2 * brighter(centreX, centreY, middle) > n) {
            low = middle;
          } else {
            high = middle;
          }
        }
        found = 0.5f * (low + high) - dark;
      }
    }
    return found;
  }

  /** Number of usable pixels of the ring above a level. */
  private int brighter(int centreX, int centreY, float level) {
    int count = 0;
    int centre = centreY * width + centreX;
    if (centreX >= reach
        && centreY >= reach
        && centreX < width - reach
        && centreY < height - reach) {
      for (int k = 0; k < ring; k++) {
        int i = centre + ringOffset[k];
        count += base[i] > 0 && image[i] - model[i] > level ? 1 : 0;
      }
    } else {
      for (int k = 0; k < ring; k++) {
        int column = centreX + ringX[k];
        int row = centreY + ringY[k];
        if (column >= 0 && row >= 0 && column < width && row < height) {
          int i = row * width + column;
          count += base[i] > 0 && image[i] - model[i] > level ? 1 : 0;
        }
      }
    }
    return count;
  }
}
