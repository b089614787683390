package org.starmill.measure;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.psf.PsfKernel;
import org.starmill.psf.PsfStamps;
import org.starmill.psf.PsfTable;

/**
 * The twin of {@link RenderKernel} for the Vector API: the pixels of a row are the lanes, and the
 * PSF comes from the same table, as far as it reaches. One for each thread and run.
 */
final class RenderVectors {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = PsfStamps.LANES;
  private static final FloatVector LANE_NUMBERS = PsfStamps.LANE_NUMBERS;

  private final RenderKernel k;
  private final PsfTable.Local psf;
  private final PsfStamps wings;
  private final int reach;
  private final float[] values = new float[LANES];

  RenderVectors(RenderKernel kernel) {
    k = kernel;
    psf = kernel.table().local();
    reach = kernel.table().radius();
    wings = new PsfStamps(kernel);
  }

  void draw(int from, int to) {
    for (int band = from; band < to; band++) {
      int top = band * k.bandRows;
      int bottom = Math.min(k.height, top + k.bandRows);
      if (k.onTop == 0) {
        Arrays.fill(k.model, top * k.width, bottom * k.width, 0f);
      }
      for (int n = k.bandStart[band]; n < k.bandStart[band + 1]; n++) {
        star(k.bandStar[n], top, bottom);
      }
    }
  }

  private void star(int star, int top, int bottom) {
    float flux = k.flux[star];
    int cx = k.centreX[star];
    int cy = k.centreY[star];
    int r = k.radius[star];
    psf.star(cx, cy, k.offsetX[star], k.offsetY[star], k.form, star * PsfKernel.FORM);
    int left = Math.max(-r, -cx);
    int right = Math.min(r, k.width - 1 - cx);
    int last = Math.min(cy + r, bottom - 1);
    int end = bottom * k.width;
    for (int y = Math.max(cy - r, top); y <= last; y++) {
      int py = y - cy;
      int row = y * k.width + cx;
      if (py < -reach || py > reach) {
        wing(star, left, right, py, row, end);
      } else {
        wing(star, left, Math.min(right, -reach - 1), py, row, end);
        core(flux, Math.max(left, -reach), Math.min(right, reach), py, row, end);
        wing(star, Math.max(left, reach + 1), right, py, row, end);
      }
    }
  }

  private void core(float flux, int left, int right, int py, int row, int end) {
    for (int column = left; column <= right; column += LANES) {
      if (row + column + LANES <= end) {
        psf.addTo(k.model, row + column, flux, column, py, right - column);
      } else {
        Arrays.fill(values, 0f);
        psf.addTo(values, 0, flux, column, py, right - column);
        addLanes(1f, values, 0, row + column, right - column);
      }
    }
  }

  private void wing(int star, int left, int right, int py, int row, int end) {
    if (left > right) {
      return;
    }
    int vectors = (right - left + LANES) / LANES;
    wings.row(k.form, star * PsfKernel.FORM, left, py, vectors, k.offsetX[star], k.offsetY[star]);
    for (int v = 0; v < vectors; v++) {
      int column = left + v * LANES;
      add(k.flux[star], wings.value, v * LANES, row + column, right - column, end);
    }
  }

  /** Adds flux times the values up to lane {@code last}; nothing at or beyond {@code end}. */
  private void add(float flux, float[] from, int at, int pixel, int last, int end) {
    float[] model = k.model;
    if (pixel + LANES <= end) {
      VectorMask<Float> inside = LANE_NUMBERS.compare(VectorOperators.LE, (float) last);
      FloatVector old = FloatVector.fromArray(FLOATS, model, pixel);
      FloatVector sum = FloatVector.fromArray(FLOATS, from, at).mul(flux).add(old);
      old.blend(sum, inside).intoArray(model, pixel);
    } else {
      addLanes(flux, from, at, pixel, last);
    }
  }

  /** One by one: what lies beyond the band may be another thread's. */
  private void addLanes(float flux, float[] from, int at, int pixel, int last) {
    for (int i = 0; i <= Math.min(last, LANES - 1); i++) {
      k.model[pixel + i] += flux * from[at + i];
    }
  }
}
