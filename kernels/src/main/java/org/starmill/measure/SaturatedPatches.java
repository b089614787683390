package org.starmill.measure;

import java.util.ArrayList;
import java.util.List;
import org.starmill.image.PixelFlag;

/**
 * The patches of saturated pixels of an image: which pixels hang together, by side or corner, and
 * where each patch has its middle.
 *
 * <p>The middle is the mean of the patch's pixels, each weighted by the number of them in its row:
 * the body of the star counts, the thin trail of its charge does not.
 */
final class SaturatedPatches {
  private final int width;
  private final int height;

  /** Number of each pixel's patch, from 1; 0 where it is in none. Null where there is no patch. */
  private final int[] label;

  private final List<Centre> centres = new ArrayList<>();

  private record Centre(double x, double y) {}

  SaturatedPatches(short[] mask, int width, int height) {
    this.width = width;
    this.height = height;
    int saturated = 0;
    for (short bits : mask) {
      saturated += isSaturated(bits) ? 1 : 0;
    }
    label = saturated == 0 ? null : new int[mask.length];
    int[] members = new int[saturated];
    int[] inRow = new int[height];
    for (int i = 0; i < mask.length && saturated > 0; i++) {
      if (isSaturated(mask[i]) && label[i] == 0) {
        int count = fill(mask, i, centres.size() + 1, members);
        centres.add(centre(members, count, inRow));
      }
    }
  }

  /** A pixel known to be bad, or on a trail, is no sign of a star, however full it is. */
  private static boolean isSaturated(short bits) {
    int decisive = PixelFlag.SATURATED | PixelFlag.BAD | PixelFlag.TRAIL;
    return (bits & decisive) == PixelFlag.SATURATED;
  }

  /** Labels all pixels that hang together with one; gives their number, and which they are. */
  private int fill(short[] mask, int seed, int number, int[] members) {
    int count = 0;
    members[count++] = seed;
    label[seed] = number;
    for (int k = 0; k < count; k++) {
      int x = members[k] % width;
      int y = members[k] / width;
      for (int ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (int nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          int next = ny * width + nx;
          if (label[next] == 0 && isSaturated(mask[next])) {
            label[next] = number;
            members[count++] = next;
          }
        }
      }
    }
    return count;
  }

  /**
   * @param inRow zeros, a value a row of the image, and zeros again afterwards
   */
  private Centre centre(int[] members, int count, int[] inRow) {
    for (int k = 0; k < count; k++) {
      inRow[members[k] / width]++;
    }
    double sum = 0;
    double sumX = 0;
    double sumY = 0;
    for (int k = 0; k < count; k++) {
      double weight = inRow[members[k] / width];
      sum += weight;
      sumX += weight * (members[k] % width);
      sumY += weight * (members[k] / width);
    }
    for (int k = 0; k < count; k++) {
      inRow[members[k] / width] = 0;
    }
    return new Centre(sumX / sum, sumY / sum);
  }

  int count() {
    return centres.size();
  }

  double x(int patch) {
    return centres.get(patch).x();
  }

  double y(int patch) {
    return centres.get(patch).y();
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
