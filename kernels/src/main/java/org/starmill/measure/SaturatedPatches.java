package org.starmill.measure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.starmill.image.PixelFlag;

/**
 * The patches of saturated pixels of an image: which pixels hang together, and where each patch has
 * its middle.
 *
 * <p>The middle is the mean of the patch's saturated pixels, each row weighted by the square of the
 * pixels it has: the body of the star counts, the thin trail of its charge does not.
 */
final class SaturatedPatches {
  private final int width;
  private final int height;
  private final int[] label;
  private final List<double[]> centre = new ArrayList<>();

  SaturatedPatches(short[] mask, int width, int height) {
    this.width = width;
    this.height = height;
    int saturated = 0;
    for (short bits : mask) {
      saturated += isSaturated(bits) ? 1 : 0;
    }
    label = saturated == 0 ? null : new int[mask.length];
    int[] stack = new int[saturated];
    for (int i = 0; i < mask.length && saturated > 0; i++) {
      if (isSaturated(mask[i]) && label[i] == 0) {
        centre.add(fill(mask, i, centre.size() + 1, stack));
      }
    }
  }

  /** A pixel known to be bad is no sign of a star, however full it is. */
  private static boolean isSaturated(short bits) {
    return (bits & (PixelFlag.SATURATED | PixelFlag.BAD)) == PixelFlag.SATURATED;
  }

  private double[] fill(short[] mask, int seed, int number, int[] stack) {
    int depth = 0;
    List<int[]> pixels = new ArrayList<>();
    stack[depth++] = seed;
    label[seed] = number;
    while (depth > 0) {
      int at = stack[--depth];
      int x = at % width;
      int y = at / width;
      pixels.add(new int[] {x, y});
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          int nx = x + dx;
          int ny = y + dy;
          if (nx >= 0 && ny >= 0 && nx < width && ny < height) {
            int next = ny * width + nx;
            if (label[next] == 0 && isSaturated(mask[next])) {
              label[next] = number;
              stack[depth++] = next;
            }
          }
        }
      }
    }
    Map<Integer, Integer> rowCount = new HashMap<>();
    for (int[] pixel : pixels) {
      rowCount.merge(pixel[1], 1, Integer::sum);
    }
    double sum = 0;
    double sumX = 0;
    double sumY = 0;
    for (int[] pixel : pixels) {
      double weight = rowCount.get(pixel[1]);
      sum += weight;
      sumX += weight * pixel[0];
      sumY += weight * pixel[1];
    }
    return new double[] {sumX / sum, sumY / sum};
  }

  int count() {
    return centre.size();
  }

  double x(int patch) {
    return centre.get(patch)[0];
  }

  double y(int patch) {
    return centre.get(patch)[1];
  }

  /** A patch with a pixel within some pixels of a place, along rows and columns; -1 for none. */
  int near(double x, double y, int reach) {
    if (label == null) {
      return -1;
    }
    int cx = (int) Math.round(x);
    int cy = (int) Math.round(y);
    for (int ny = Math.max(0, cy - reach); ny <= Math.min(height - 1, cy + reach); ny++) {
      for (int nx = Math.max(0, cx - reach); nx <= Math.min(width - 1, cx + reach); nx++) {
        int found = label[ny * width + nx];
        if (found > 0) {
          return found - 1;
        }
      }
    }
    return -1;
  }
}
