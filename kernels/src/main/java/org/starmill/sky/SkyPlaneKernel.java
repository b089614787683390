package org.starmill.sky;

import org.starmill.device.ItemKernel;

/**
 * Draws the sky from a bicubic spline over the mesh, or takes it off an image, an item a row.
 *
 * <p>A row is a spline across the columns of the mesh, given by its values and second derivatives
 * above their centres, and those are the same weighted sums of four numbers of the mesh for all
 * columns: the spline is linear in what it goes through. Beyond the outermost centres it goes on in
 * a straight line, as a natural spline does.
 */
final class SkyPlaneKernel extends ItemKernel {
  int columns;
  int rows;
  int width;

  /** Centres of the mesh's columns, pixels. */
  float[] centre;

  /** First pixel to the right of each centre; before and behind them 0 and the width. */
  int[] cellStart;

  /** For every row of the image the row of the mesh whose centre is below it. */
  int[] meshRow;

  /**
   * Weights for every row of the image: of the value in the row of the mesh below and above it, and
   * of the second derivative along y there.
   */
  float[] weight;

  /**
   * Four meshes, one after the other: values, second derivatives along y, those of both along x.
   */
  float[] mesh;

  /** 1 where the sky is taken off the image, 0 where it is written as it is. */
  int subtracting;

  /** Where the sky is written; one value where it is taken off an image. */
  @Output float[] level;

  /** What it is taken off; one value where it is written. */
  float[] image;

  @Override
  protected void vectorItems(int from, int to) {
    new SkyPlaneVectors(this).draw(from, to);
  }

  /** The spline along y of a mesh, at a row of the image. */
  float node(int item, int plane, int column) {
    int size = rows * columns;
    int below = plane * size + meshRow[item] * columns + column;
    int above = plane * size + min(meshRow[item] + 1, rows - 1) * columns + column;
    return weight[4 * item] * mesh[below]
        + weight[4 * item + 1] * mesh[above]
        + weight[4 * item + 2] * mesh[size + below]
        + weight[4 * item + 3] * mesh[size + above];
  }

  private void put(int pixel, float sky) {
    if (subtracting == 1) {
      image[pixel] -= sky;
    } else {
      level[pixel] = sky;
    }
  }

  @Override
  public void item(int item) {
    int row = item * width;
    if (columns == 1) {
      float v = node(item, 0, 0);
      for (int x = 0; x < width; x++) {
        put(row + x, v);
      }
    } else {
      float v0 = node(item, 0, 0);
      float c0 = node(item, 2, 0);
      float v1 = node(item, 0, 1);
      float c1 = node(item, 2, 1);
      for (int cell = -1; cell < columns; cell++) {
        if (cell > 0 && cell < columns - 1) {
          v0 = v1;
          c0 = c1;
          v1 = node(item, 0, cell + 1);
          c1 = node(item, 2, cell + 1);
        }
        int left = min(max(cell, 0), columns - 2);
        float step = centre[left + 1] - centre[left];
        // value + t (slope + t (square + t cubic)), t in pixels from the left centre
        float value = v0;
        float origin = centre[left];
        float slope = (v1 - v0) / step - step * (2f * c0 + c1) / 6f;
        float square = 0.5f * c0;
        float cubic = (c1 - c0) / (6f * step);
        if (cell < 0 || cell == columns - 1) {
          square = 0f;
          cubic = 0f;
        }
        if (cell == columns - 1) {
          origin = centre[columns - 1];
          value = v1;
          slope = (v1 - v0) / step + step * (c0 + 2f * c1) / 6f;
        }
        int from = cellStart[cell + 1];
        int to = cellStart[cell + 2];
        for (int x = from; x < to; x++) {
          float t = x - origin;
          put(row + x, value + t * (slope + t * (square + t * cubic)));
        }
      }
    }
  }
}
