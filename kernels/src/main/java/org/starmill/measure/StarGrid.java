package org.starmill.measure;

import java.util.Arrays;
import java.util.function.IntConsumer;

/** Finds the stars near a place: stars sorted into square cells, cells about the place searched. */
final class StarGrid {
  private final StarList stars;
  private final double cell;
  private final int columns;
  private final int rows;
  private final int[] start;
  private final int[] member;

  StarGrid(StarList stars, int width, int height, double cell) {
    this.stars = stars;
    this.cell = cell;
    this.columns = (int) Math.ceil(width / cell) + 1;
    this.rows = (int) Math.ceil(height / cell) + 1;
    int n = stars.count();
    start = new int[columns * rows + 1];
    int[] of = new int[n];
    for (int i = 0; i < n; i++) {
      of[i] = row(stars.y(i)) * columns + column(stars.x(i));
      start[of[i] + 1]++;
    }
    for (int i = 0; i < columns * rows; i++) {
      start[i + 1] += start[i];
    }
    int[] next = Arrays.copyOf(start, columns * rows);
    member = new int[n];
    for (int i = 0; i < n; i++) {
      member[next[of[i]]++] = i;
    }
  }

  private int column(double x) {
    return (int) Math.max(0, Math.min(columns - 1, Math.floor(x / cell)));
  }

  private int row(double y) {
    return (int) Math.max(0, Math.min(rows - 1, Math.floor(y / cell)));
  }

  /** Visits all stars within a distance of a place, the star at the place itself included. */
  void near(double x, double y, double distance, IntConsumer visitor) {
    double square = distance * distance;
    for (int r = row(y - distance); r <= row(y + distance); r++) {
      for (int c = column(x - distance); c <= column(x + distance); c++) {
        for (int k = start[r * columns + c]; k < start[r * columns + c + 1]; k++) {
          int star = member[k];
          double dx = stars.x(star) - x;
          double dy = stars.y(star) - y;
          if (dx * dx + dy * dy <= square) {
            visitor.accept(star);
          }
        }
      }
    }
  }
}
