package org.starmill.detect;

import org.starmill.device.ItemKernel;

/** Finds the pixels of one row that exceed a threshold and all eight neighbours. */
final class PeakKernel extends ItemKernel {
  int width;
  int height;
  int capacity;
  float threshold;
  float[] significance;

  /** Number of peaks of each row. */
  @Output int[] count;

  /** Their columns, {@code capacity} places a row. */
  int[] column;

  @Override
  public void item(int y) {
    int row = y * width;
    int found = 0;
    for (int x = 0; x < width; x++) {
      float value = significance[row + x];
      if (value > threshold) {
        int higher = 0;
        for (int py = -1; py <= 1; py++) {
          int sy = y + py;
          if (sy >= 0 && sy < height) {
            for (int px = -1; px <= 1; px++) {
              int sx = x + px;
              if (sx >= 0 && sx < width) {
                float other = significance[sy * width + sx];
                // Of equal neighbours the first one in the order of rows is the peak.
                if (other > value || (other == value && (py < 0 || (py == 0 && px < 0)))) {
                  higher = 1;
                }
              }
            }
          }
        }
        if (higher == 0 && found < capacity) {
          column[y * capacity + found] = x;
          found++;
        }
      }
    }
    count[y] = found;
  }
}
