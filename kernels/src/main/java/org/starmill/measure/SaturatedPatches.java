package org.starmill.measure;

import java.util.ArrayList;
import java.util.Arrays;
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

  /** The saturated pixels in their order, and the number of each one's patch, from 1. */
  private final int[] pixel;

  private final int[] label;

  /** For each row the first of its saturated pixels, and the first of the next row's. */
  private final int[] rowStart;

  private final List<Centre> centres = new ArrayList<>();

  private record Centre(double x, double y) {}

  SaturatedPatches(short[] mask, int width, int height) {
    this.width = width;
    this.height = height;
    rowStart = new int[height + 1];
    int[] found = new int[64];
    int saturated = 0;
    for (int y = 0; y < height; y++) {
      for (int i = y * width; i < (y + 1) * width; i++) {
        if (isSaturated(mask[i])) {
          found = saturated < found.length ? found : Arrays.copyOf(found, 2 * saturated);
          found[saturated++] = i;
        }
      }
      rowStart[y + 1] = saturated;
    }
    pixel = Arrays.copyOf(found, saturated);
    label = new int[saturated];
    int[] members = new int[saturated];
    int[] places = new int[saturated];
    int[] inRow = new int[height];
    for (int k = 0; k < saturated; k++) {
      if (label[k] == 0) {
        int count = fill(k, centres.size() + 1, members, places);
        centres.add(centre(members, count, inRow));
      }
    }
  }

  /** The first saturated pixel of a row that is not left of a column, or of a later row. */
  private int from(int x, int y) {
    int k = Arrays.binarySearch(pixel, rowStart[y], rowStart[y + 1], y * width + x);
    return k < 0 ? -1 - k : k;
  }

  /** A pixel known to be bad, or on a trail, is no sign of a star, however full it is. */
  private static boolean isSaturated(short bits) {
    int decisive = PixelFlag.SATURATED | PixelFlag.BAD | PixelFlag.TRAIL;
    return (bits & decisive) == PixelFlag.SATURATED;
  }

  /** Labels all pixels that hang together with one; gives their number, and which they are. */
  private int fill(int seed, int number, int[] members, int[] places) {
    int count = 0;
    places[count++] = seed;
    label[seed] = number;
    for (int k = 0; k < count; k++) {
      int x = pixel[places[k]] % width;
      int y = pixel[places[k]] / width;
      for (int ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        int last = ny * width + Math.min(width - 1, x + 1);
        for (int n = from(Math.max(0, x - 1), ny); n < rowStart[ny + 1] && pixel[n] <= last; n++) {
          if (label[n] == 0) {
            label[n] = number;
            places[count++] = n;
          }
        }
      }
    }
    for (int k = 0; k < count; k++) {
      members[k] = pixel[places[k]];
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
    int cx = (int) Math.round(x);
    int cy = (int) Math.round(y);
    int left = Math.max(0, cx - reach);
    int right = Math.min(width - 1, cx + reach);
    int bottom = Math.min(height - 1, cy + reach);
    for (int ny = Math.max(0, cy - reach); ny <= bottom; ny++) {
      if (rowStart[ny] < rowStart[ny + 1] && left <= right) {
        int first = from(left, ny);
        if (first < rowStart[ny + 1] && pixel[first] <= ny * width + right) {
          return label[first] - 1;
        }
      }
    }
    return -1;
  }
}
