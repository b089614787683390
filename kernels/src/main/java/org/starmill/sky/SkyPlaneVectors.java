package org.starmill.sky;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The work of {@link SkyPlaneKernel} by the Vector API. One for each thread and run. */
final class SkyPlaneVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  private final SkyPlaneKernel kernel;
  private final float[] ramp = new float[LANES];

  /** A row of the sky that is taken off the image, and a vector more. */
  private final float[] line;

  SkyPlaneVectors(SkyPlaneKernel kernel) {
    this.kernel = kernel;
    for (int i = 0; i < LANES; i++) {
      ramp[i] = i;
    }
    line = new float[kernel.subtracting == 1 ? kernel.width + LANES : 0];
  }

  void draw(int from, int to) {
    for (int item = from; item < to; item++) {
      int row = item * kernel.width;
      if (kernel.subtracting == 1) {
        draw(item, line, 0);
        subtract(row);
      } else {
        draw(item, kernel.level, row);
      }
    }
  }

  private void draw(int item, float[] level, int row) {
    int columns = kernel.columns;
    float[] centre = kernel.centre;
    if (columns == 1) {
      Arrays.fill(level, row, row + kernel.width, kernel.node(item, 0, 0));
      return;
    }
    float v0 = kernel.node(item, 0, 0);
    float c0 = kernel.node(item, 2, 0);
    for (int left = 0; left < columns - 1; left++) {
      float v1 = kernel.node(item, 0, left + 1);
      float c1 = kernel.node(item, 2, left + 1);
      float step = centre[left + 1] - centre[left];
      float slope = (v1 - v0) / step - step * (2 * c0 + c1) / 6;
      int start = kernel.cellStart[left + 1];
      int end = kernel.cellStart[left + 2];
      if (left == 0) {
        cubic(level, row, 0, start, centre[0], v0, slope, 0, 0);
      }
      cubic(level, row, start, end, centre[left], v0, slope, 0.5f * c0, (c1 - c0) / (6 * step));
      if (left == columns - 2) {
        slope = (v1 - v0) / step + step * (c0 + 2 * c1) / 6;
        cubic(level, row, end, kernel.width, centre[columns - 1], v1, slope, 0, 0);
      }
      v0 = v1;
      c0 = c1;
    }
  }

  private void cubic(
      float[] level,
      int row,
      int from,
      int to,
      float origin,
      float value,
      float slope,
      float square,
      float cubic) {
    FloatVector along = FloatVector.fromArray(FLOATS, ramp, 0);
    FloatVector zeroth = FloatVector.broadcast(FLOATS, value);
    FloatVector first = FloatVector.broadcast(FLOATS, slope);
    FloatVector second = FloatVector.broadcast(FLOATS, square);
    FloatVector third = FloatVector.broadcast(FLOATS, cubic);
    // The last vector may run on into the next piece, which is drawn after this one.
    int end = Math.min(to, kernel.width - LANES + 1);
    int x = from;
    for (; x < end; x += LANES) {
      FloatVector t = along.add(x - origin);
      third.fma(t, second).fma(t, first).fma(t, zeroth).intoArray(level, row + x);
    }
    for (; x < to; x++) {
      float t = x - origin;
      level[row + x] = value + t * (slope + t * (square + t * cubic));
    }
  }

  private void subtract(int row) {
    float[] image = kernel.image;
    float[] sky = line;
    int width = kernel.width;
    int x = 0;
    for (; x <= width - LANES; x += LANES) {
      FloatVector.fromArray(FLOATS, image, row + x)
          .sub(FloatVector.fromArray(FLOATS, sky, x))
          .intoArray(image, row + x);
    }
    for (; x < width; x++) {
      image[row + x] -= sky[x];
    }
  }
}
