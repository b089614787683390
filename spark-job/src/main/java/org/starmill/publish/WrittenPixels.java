package org.starmill.publish;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.starmill.healpix.Healpix;
import org.starmill.healpix.HealpixPixel;

/**
 * The pixels that a publication writes, and which task writes which.
 *
 * <p>A task gets pixels that are neighbours on the curve of the nested scheme, and about as many
 * rows as any other.
 */
final class WrittenPixels implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long[] first;
  private final byte[] order;
  private final int[] task;
  private final int tasks;

  /**
   * @param parts in the order of the sky, none inside another
   * @param tasks at most
   */
  WrittenPixels(List<PixelSplit.Part> parts, int tasks) {
    this.tasks = Math.max(1, Math.min(tasks, parts.size()));
    first = new long[parts.size()];
    order = new byte[parts.size()];
    task = new int[parts.size()];
    double all = parts.stream().mapToLong(PixelSplit.Part::rows).sum();
    double before = 0;
    for (int i = 0; i < first.length; i++) {
      PixelSplit.Part part = parts.get(i);
      first[i] = part.pixel().first();
      order[i] = (byte) part.pixel().order();
      double middle = before + part.rows() / 2.0;
      task[i] = Math.min(this.tasks - 1, (int) (middle / all * this.tasks));
      before += part.rows();
    }
  }

  /** Number of tasks. */
  int tasks() {
    return tasks;
  }

  /** The task that writes a place on the sky. */
  int task(long place) {
    return task[of(place)];
  }

  HealpixPixel pixel(int index) {
    long number = first[index] >> 2 * (Healpix.MAX_ORDER - order[index]);
    return new HealpixPixel(order[index], number);
  }

  /**
   * Which of the pixels a place on the sky lies in.
   *
   * @param place pixel of the highest order
   * @throws IllegalStateException where it lies in none
   */
  int of(long place) {
    int found = Arrays.binarySearch(first, place);
    int index = found >= 0 ? found : -found - 2;
    if (index < 0 || place >= pixel(index).end()) {
      throw new IllegalStateException(
          "a row at %s %d lies in no pixel that is written; let no campaign run on while it is published"
              .formatted(PublishedTable.INDEX, place));
    }
    return index;
  }
}
