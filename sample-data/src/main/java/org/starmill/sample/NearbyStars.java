package org.starmill.sample;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Finds the stars near a place.
 *
 * <p>The positions are sorted into square cells once; a question looks at the cells that its circle
 * touches. Holds the arrays it is given.
 */
public final class NearbyStars {
  private final double[] x;
  private final double[] y;
  private final double cell;
  private final double left;
  private final double bottom;
  private final int columns;
  private final int rows;
  private final int[] first;
  private final int[] next;

  /**
   * Sorts the stars into cells.
   *
   * @param x columns of the centres, all finite
   * @param y rows of the centres
   * @param cell side of a cell, pixels: about the distance that will be asked for
   */
  public NearbyStars(double[] x, double[] y, double cell) {
    this.x = x;
    this.y = y;
    this.cell = cell;
    left = Arrays.stream(x).min().orElse(0);
    bottom = Arrays.stream(y).min().orElse(0);
    columns = (int) ((Arrays.stream(x).max().orElse(0) - left) / cell) + 1;
    rows = (int) ((Arrays.stream(y).max().orElse(0) - bottom) / cell) + 1;
    first = new int[columns * rows];
    next = new int[x.length];
    Arrays.fill(first, -1);
    for (int i = x.length - 1; i >= 0; i--) {
      int at = (int) ((y[i] - bottom) / cell) * columns + (int) ((x[i] - left) / cell);
      next[i] = first[at];
      first[at] = i;
    }
  }

  /** Names each star that is less than the distance away. */
  public void within(double distance, double atX, double atY, IntConsumer star) {
    int fromColumn = Math.max(0, (int) Math.floor((atX - distance - left) / cell));
    int toColumn = Math.min(columns - 1, (int) Math.floor((atX + distance - left) / cell));
    int fromRow = Math.max(0, (int) Math.floor((atY - distance - bottom) / cell));
    int toRow = Math.min(rows - 1, (int) Math.floor((atY + distance - bottom) / cell));
    for (int row = fromRow; row <= toRow; row++) {
      for (int column = fromColumn; column <= toColumn; column++) {
        for (int i = first[row * columns + column]; i >= 0; i = next[i]) {
          double dx = x[i] - atX;
          double dy = y[i] - atY;
          if (dx * dx + dy * dy < distance * distance) {
            star.accept(i);
          }
        }
      }
    }
  }
}
