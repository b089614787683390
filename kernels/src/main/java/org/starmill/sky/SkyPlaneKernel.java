package org.starmill.sky;

import org.starmill.device.ItemKernel;

/**
 * Draws the sky along rows from cubic splines, an item a row of the image.
 *
 * <p>A row is given by the spline's values and second derivatives above the centres of the mesh
 * columns. Beyond the outermost centres it goes on in a straight line, as a natural spline does.
 */
final class SkyPlaneKernel extends ItemKernel {
  float[] value;
  float[] curvature;
  float[] centre;
  int[] cellStart;
  int columns;
  int width;
  float[] level;

  @Override
  public void item(int item) {
    int nodes = item * columns;
    int row = item * width;
    if (columns == 1) {
      float v = value[nodes];
      for (int x = 0; x < width; x++) {
        level[row + x] = v;
      }
    } else {
      for (int cell = -1; cell < columns; cell++) {
        int left = min(max(cell, 0), columns - 2);
        float step = centre[left + 1] - centre[left];
        float v0 = value[nodes + left];
        float v1 = value[nodes + left + 1];
        float c0 = curvature[nodes + left];
        float c1 = curvature[nodes + left + 1];
        // v0 + t (slope + t (c0 / 2 + t cubic)), t in pixels from the left centre
        float origin = centre[left];
        float slope = (v1 - v0) / step - step * (2f * c0 + c1) / 6f;
        float square = 0.5f * c0;
        float cubic = (c1 - c0) / (6f * step);
        if (cell < 0) {
          square = 0f;
          cubic = 0f;
        }
        if (cell == columns - 1) {
          origin = centre[columns - 1];
          v0 = v1;
          slope = (v1 - value[nodes + left]) / step + step * (c0 + 2f * c1) / 6f;
          square = 0f;
          cubic = 0f;
        }
        int from = cellStart[cell + 1];
        int to = cellStart[cell + 2];
        for (int x = from; x < to; x++) {
          float t = x - origin;
          level[row + x] = v0 + t * (slope + t * (square + t * cubic));
        }
      }
    }
  }
}
