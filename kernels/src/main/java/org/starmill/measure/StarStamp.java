package org.starmill.measure;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.starmill.psf.PsfStamps;
import org.starmill.psf.PsfTable;

/**
 * The pixels about one star and its PSF on them, row by row in whole vectors: what the twins of the
 * kernels that work on stamps have in common. One for each thread.
 */
final class StarStamp {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  final PsfTable.Local psf;

  /** The PSF and its slopes by the star's x and y; what lies right of the stamp has no meaning. */
  final float[] value;

  final float[] slopeX;
  final float[] slopeY;

  /** Weight, 0 beyond the stamp and where a pixel must not be used, and what the model leaves. */
  final float[] weight;

  final float[] rest;

  /** Places from row to row of these five. */
  int stride;

  /** The stamp's first pixel in the planes, and the places from row to row there. */
  int first;

  int step;

  /** Number of vectors of the stamp; for each its first pixel in the planes and its last lane. */
  int vectors;

  final int[] pixel;
  final float[] lastLane;

  /** For each vector the column and row of its first pixel, relative to the stamp's middle. */
  final int[] column;

  final int[] row;

  /** The planes: the image's own, or copies where the stamp hangs over its edge. */
  float[] image;

  float[] model;
  float[] base;

  private final int width;
  private final int height;
  private final float[] edgeImage;
  private final float[] edgeModel;
  private final float[] edgeBase;

  StarStamp(PsfTable table, int width, int height) {
    this.psf = table.local();
    this.width = width;
    this.height = height;
    int radius = table.radius();
    int places = PsfStamps.stride(radius) * (2 * radius + 1) + PsfStamps.LANES;
    int most = places / PsfStamps.LANES;
    pixel = new int[most];
    lastLane = new float[most];
    column = new int[most];
    row = new int[most];
    value = new float[places];
    slopeX = new float[places];
    slopeY = new float[places];
    edgeImage = new float[places];
    edgeModel = new float[places];
    edgeBase = new float[places];
    weight = new float[places];
    rest = new float[places];
  }

  /** Finds the pixels about a star; beyond the image all planes are 0. */
  void place(int cx, int cy, int r, float[] imagePlane, float[] modelPlane, float[] basePlane) {
    stride = PsfStamps.stride(r);
    int end = (cy + r) * width + cx - r + stride;
    if (cx >= r && cy >= r && cx + r < width && cy + r < height && end <= basePlane.length) {
      image = imagePlane;
      model = modelPlane;
      base = basePlane;
      first = (cy - r) * width + cx - r;
      step = width;
      list(r);
      return;
    }
    image = edgeImage;
    model = edgeModel;
    base = edgeBase;
    first = 0;
    step = stride;
    list(r);
    for (int py = -r; py <= r; py++) {
      for (int px = -r; px < stride - r; px++) {
        int at = (py + r) * stride + px + r;
        int x = cx + px;
        int y = cy + py;
        boolean inside = px <= r && x >= 0 && y >= 0 && x < width && y < height;
        edgeImage[at] = inside ? imagePlane[y * width + x] : 0f;
        edgeModel[at] = inside ? modelPlane[y * width + x] : 0f;
        edgeBase[at] = inside ? basePlane[y * width + x] : 0f;
      }
    }
  }

  /**
   * Lists the vectors. Loops over them are flat, and each stands in a method of its own: in nested
   * ones the compiler of Java 17 keeps sums in objects.
   */
  private void list(int r) {
    int v = 0;
    for (int y = -r; y <= r; y++) {
      for (int x = -r; x <= r; x += PsfStamps.LANES) {
        pixel[v] = first + (y + r) * step + x + r;
        lastLane[v] = r - x;
        column[v] = x;
        row[v] = y;
        v++;
      }
    }
    vectors = v;
  }

  /**
   * Works out weights and residual.
   *
   * @param gain variance that an electron of a star brings
   * @param modelVariance relative error of the model, squared
   */
  void weigh(float gain, float modelVariance) {
    float[] seen = image;
    float[] drawn = model;
    float[] empty = base;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    FloatVector gains = FloatVector.broadcast(FLOATS, gain);
    FloatVector errors = FloatVector.broadcast(FLOATS, modelVariance);
    for (int v = 0; v < vectors; v++) {
      int i = pixel[v];
      FloatVector b = FloatVector.fromArray(FLOATS, empty, i);
      FloatVector m = FloatVector.fromArray(FLOATS, drawn, i);
      FloatVector bright = m.max(0f);
      FloatVector inverse = one.div(bright.fma(bright.fma(errors, gains), b));
      VectorMask<Float> used =
          b.compare(VectorOperators.GT, 0f)
              .and(PsfStamps.LANE_NUMBERS.compare(VectorOperators.LE, lastLane[v]));
      zero.blend(inverse, used).intoArray(weight, v * PsfStamps.LANES);
      FloatVector.fromArray(FLOATS, seen, i).sub(m).intoArray(rest, v * PsfStamps.LANES);
    }
  }

  /** Evaluates the PSF of a star and its slopes. */
  void evaluate(int cx, int cy, int r, float offsetX, float offsetY, float[] form, int f) {
    psf.star(cx, cy, offsetX, offsetY, form, f);
    for (int v = 0; v < vectors; v++) {
      psf.slopes(column[v], row[v], value, slopeX, slopeY, v * PsfStamps.LANES);
    }
  }
}
