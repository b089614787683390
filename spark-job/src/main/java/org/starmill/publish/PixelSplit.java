package org.starmill.publish;

import java.util.ArrayList;
import java.util.List;
import org.starmill.healpix.HealpixPixel;

/**
 * Cuts the sky into pixels that hold no more than so many rows each.
 *
 * <p>Every row belongs to the largest pixel around it that is not too full. Counts come in the
 * order of their pixels, which in the nested scheme is the order of a tree's leaves: a branch is
 * decided upon when the first leaf behind it comes, so that memory is needed for the pixels that
 * result, whatever the number of counts. A pixel of the highest order is not cut, however full.
 */
final class PixelSplit {
  /**
   * A pixel of the catalog.
   *
   * @param rows in it, above 0
   * @param changed whether some of its counts were said to be
   */
  record Part(HealpixPixel pixel, long rows, boolean changed) {}

  private final int order;
  private final long maxRows;
  private final Branch[] open;
  private final List<Part> parts = new ArrayList<>();
  private long last = -1;

  /**
   * @param order of the pixels that counts are given for
   * @param maxRows a pixel with more of them is cut in four
   */
  PixelSplit(int order, long maxRows) {
    this.order = order;
    this.maxRows = maxRows;
    this.open = new Branch[order + 1];
  }

  /** Takes the count of a pixel; they come in ascending order. */
  void add(long number, long rows, boolean changed) {
    if (number <= last || rows < 0) {
      throw new IllegalArgumentException(
          "pixel %d with %d rows behind pixel %d: expected ascending pixels, no negative count"
              .formatted(number, rows, last));
    }
    last = number;
    int common = 0;
    while (common <= order
        && open[common] != null
        && open[common].number == number >> 2 * (order - common)) {
      common++;
    }
    close(common);
    for (int level = common; level <= order; level++) {
      open[level] = new Branch(number >> 2 * (order - level));
    }
    open[order].rows = rows;
    open[order].changed = changed;
  }

  /** The pixels, in the order of the sky; nothing can be added any more. */
  List<Part> parts() {
    close(0);
    return parts;
  }

  private void close(int from) {
    for (int level = order; level >= from; level--) {
      Branch branch = open[level];
      if (branch == null) {
        continue;
      }
      open[level] = null;
      List<Part> result = branch.parts;
      if (branch.rows <= maxRows || level == order) {
        result =
            branch.rows == 0
                ? List.of()
                : List.of(
                    new Part(new HealpixPixel(level, branch.number), branch.rows, branch.changed));
      }
      if (level == 0) {
        parts.addAll(result);
      } else {
        open[level - 1].parts.addAll(result);
        open[level - 1].rows += branch.rows;
        open[level - 1].changed |= branch.changed;
      }
    }
  }

  /** A pixel that more counts may still come for. */
  private static final class Branch {
    private final long number;
    private final List<Part> parts = new ArrayList<>(4);
    private long rows;
    private boolean changed;

    Branch(long number) {
      this.number = number;
    }
  }
}
