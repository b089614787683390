package org.starmill.detect;

import java.util.TreeMap;
import org.starmill.device.ItemKernel;

/**
 * Significance of a point source at each pixel of one row, from the rows about it.
 *
 * <p>With image D (stars on zero), weight w = 1 / variance (0 where masked) and PSF P: numerator (D
 * w) correlated with P, information w correlated with P squared; significance = numerator /
 * sqrt(information). Rows and columns beyond the image have no weight.
 *
 * <p>The twin for the Vector API, {@link MatchedFilterBand}, weighs the pixels and looks for the
 * peaks in the same sweep, so that none of the four planes is stored: where it runs, {@link
 * WeightKernel} and {@link PeakKernel} have nothing to do.
 */
final class MatchedFilterKernel extends ItemKernel {
  int width;
  int height;

  /** Row of the image that is the first one here. */
  int top;

  int radius;

  /** PSF, (2 radius + 1) squared values, and its square. */
  float[] psf;

  float[] psfSquared;

  /** Image times weight, and weight. */
  float[] weighted;

  float[] weight;

  @Output float[] significance;
  @Output float[] information;

  /** What the twin reads in place of the weights, as {@link WeightKernel} has it. */
  float[] image;

  float[] base;
  float[] model;
  float photon;
  float threshold;

  /** What the twin finds: for the first row of each block its peaks; and the noise's sample. */
  final TreeMap<Integer, PeakList> blocks = new TreeMap<>();

  NoiseSample sample;

  @Override
  public void item(int y) {
    int row = y * width;
    for (int x = 0; x < width; x++) {
      significance[row + x] = 0f;
      information[row + x] = 0f;
    }
    int side = 2 * radius + 1;
    for (int py = -radius; py <= radius; py++) {
      int sy = y + py;
      if (sy >= 0 && sy < height) {
        int source = sy * width;
        for (int px = -radius; px <= radius; px++) {
          int tap = (py + radius) * side + px + radius;
          float p = psf[tap];
          float p2 = psfSquared[tap];
          int from = max(0, -px);
          int to = min(width, width - px);
          int shift = source + px;
          for (int x = from; x < to; x++) {
            significance[row + x] += p * weighted[shift + x];
          }
          for (int x = from; x < to; x++) {
            information[row + x] += p2 * weight[shift + x];
          }
        }
      }
    }
    for (int x = 0; x < width; x++) {
      float info = information[row + x];
      float value = 0f;
      if (info > 0f) {
        value = significance[row + x] / sqrt(info);
      }
      significance[row + x] = value;
    }
  }

  @Override
  protected void vectorItems(int from, int to) {
    PeakList found = new MatchedFilterBand(this).find(from, to);
    synchronized (blocks) {
      blocks.put(from, found);
    }
  }
}
