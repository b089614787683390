package org.starmill.sky;

import java.util.Arrays;
import org.starmill.device.Device;
import org.starmill.image.ImageRejected;

/**
 * Measures the sky of an image on a mesh of boxes and draws it in every pixel.
 *
 * <p>The way of Source Extractor (Bertin and Arnouts 1996, A&amp;AS 117, 393): clipped statistics
 * of each box, boxes without enough good pixels filled from their neighbours, a median filter over
 * the mesh, a natural bicubic spline through the centres of the boxes. It departs from it in this:
 * the boxes divide the image evenly, so that none is a narrow rest; the median filter works on what
 * a quadratic surface leaves of the mesh, so that a gradient survives at the edge; and beyond the
 * outermost centres the spline goes on in a straight line.
 *
 * <p>Not safe for use by several threads at once.
 */
public final class SkyMesh {
  private static final int BATCH = 512;
  private static final float GOOD_SHARE = 0.5f;
  // With the stars gone a box is of use even where most of it lies under them.
  private static final float GOOD_SHARE_EMPTY = 0.1f;

  private final Device device;
  private final int box;
  private final int filter;
  private final BoxKernel boxes = new BoxKernel();
  private final SkyPlaneKernel plane = new SkyPlaneKernel();

  /**
   * @param box side of a box, pixels; adapted so that the boxes divide the image evenly
   * @param filter side of the median filter over the mesh, boxes, odd; 1 for none
   */
  public SkyMesh(Device device, int box, int filter) {
    if (box < 4 || filter < 1 || filter % 2 == 0) {
      throw new IllegalArgumentException(
          "sky boxes of %d pixels filtered over %d boxes: expected at least 4 pixels and an odd number of boxes"
              .formatted(box, filter));
    }
    this.device = device;
    this.box = box;
    this.filter = filter;
  }

  /**
   * Measures the sky of an image full of stars.
   *
   * <p>The level of a box is the mode, estimated by 2.5 median - 1.5 mean of the clipped pixels, or
   * their median where the two lie more than 0.3 standard deviations apart. A box needs half of its
   * pixels good.
   *
   * @param image electrons, row-major
   * @param mask bits of {@link org.starmill.image.PixelFlag}; pixels that are unusable are left out
   * @throws ImageRejected "no sky" where no box has enough good pixels
   */
  public Sky measure(float[] image, short[] mask, int width, int height) {
    return measure(image, mask, width, height, box);
  }

  /**
   * As {@link #measure(float[], short[], int, int)}, in boxes that follow the seeing.
   *
   * @param leastBox pixels; boxes are of this side where that is more than the mesh's own
   */
  public Sky measure(float[] image, short[] mask, int width, int height, int leastBox) {
    boxes.model = new float[1];
    boxes.useModel = 0;
    boxes.modelLimit = 0;
    boxes.goodShare = GOOD_SHARE;
    return draw(image, mask, width, height, leastBox);
  }

  /**
   * Measures the sky of an image from which the stars were subtracted.
   *
   * <p>The level of a box is the mean of its clipped pixels, which noise that is symmetric does not
   * bias, without the pixels where the stars that were there leave more than a little behind. A box
   * needs a tenth of its pixels good.
   *
   * @param residual electrons, the image without its stars, row-major
   * @param mask bits of {@link org.starmill.image.PixelFlag}; pixels that are unusable are left out
   * @param model electrons of all stars in each pixel
   * @param modelLimit electrons; pixels whose model is above it are left out
   * @param leastBox pixels; boxes are of this side where that is more than the mesh's own
   * @throws ImageRejected "no sky" where no box has enough good pixels
   */
  public Sky measureEmpty(
      float[] residual,
      short[] mask,
      float[] model,
      float modelLimit,
      int width,
      int height,
      int leastBox) {
    if (model.length != width * height) {
      throw new IllegalArgumentException(
          "a model of %d values for %d x %d pixels".formatted(model.length, width, height));
    }
    boxes.model = model;
    boxes.useModel = 1;
    boxes.modelLimit = modelLimit;
    boxes.goodShare = GOOD_SHARE_EMPTY;
    return draw(residual, mask, width, height, leastBox);
  }

  private Sky draw(float[] image, short[] mask, int width, int height, int leastBox) {
    if (image.length != width * height || mask.length != width * height) {
      throw new IllegalArgumentException(
          "an image of %d and a mask of %d values for %d x %d pixels"
              .formatted(image.length, mask.length, width, height));
    }
    int side = Math.max(box, leastBox);
    int columns = Math.max(1, Math.round((float) width / side));
    int rows = Math.max(1, Math.round((float) height / side));
    int[] columnStart = starts(width, columns);
    int[] rowStart = starts(height, rows);
    measureBoxes(image, mask, width, columnStart, rowStart);
    float[] level = boxes.level;
    float[] noise = boxes.noise;
    fill(level, noise, boxes.good, columns, rows);
    MeshFilter smoothing = new MeshFilter(columns, rows, filter);
    level = smoothing.filtered(level);
    noise = smoothing.filtered(noise);
    float[] pixels = plane(level, columnStart, rowStart);
    return new Sky(pixels, median(level), median(noise), level, noise, columns, rows);
  }

  private static int[] starts(int length, int count) {
    int[] starts = new int[count + 1];
    for (int i = 0; i <= count; i++) {
      starts[i] = (int) ((long) length * i / count);
    }
    return starts;
  }

  private void measureBoxes(
      float[] image, short[] mask, int width, int[] columnStart, int[] rowStart) {
    int columns = columnStart.length - 1;
    int count = columns * (rowStart.length - 1);
    boxes.image = image;
    boxes.mask = mask;
    boxes.width = width;
    boxes.columns = columns;
    boxes.columnStart = columnStart;
    boxes.rowStart = rowStart;
    boxes.level = new float[count];
    boxes.noise = new float[count];
    boxes.good = new int[count];
    int batch = Math.min(count, BATCH);
    if (boxes.histogram == null || boxes.histogram.length < batch * BoxKernel.LEVELS) {
      boxes.histogram = new int[batch * BoxKernel.LEVELS];
    }
    for (int first = 0; first < count; first += batch) {
      boxes.first = first;
      device.run(boxes, Math.min(batch, count - first));
    }
    // The images are the caller's: this object lives on and must not hold them.
    boxes.image = null;
    boxes.mask = null;
    boxes.model = null;
  }

  /** Gives boxes without a value the mean of their neighbours with one, from the edges inwards. */
  private static void fill(float[] level, float[] noise, int[] good, int columns, int rows) {
    boolean[] known = new boolean[good.length];
    int left = 0;
    for (int i = 0; i < good.length; i++) {
      known[i] = good[i] > 0;
      left += known[i] ? 0 : 1;
    }
    if (left == good.length) {
      throw new ImageRejected(
          "no sky",
          "none of the %d boxes of the sky mesh has enough good pixels".formatted(good.length));
    }
    while (left > 0) {
      boolean[] before = known.clone();
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          int i = row * columns + column;
          if (before[i]) {
            continue;
          }
          float levels = 0;
          float noises = 0;
          int count = 0;
          for (int v = Math.max(0, row - 1); v <= Math.min(rows - 1, row + 1); v++) {
            for (int u = Math.max(0, column - 1); u <= Math.min(columns - 1, column + 1); u++) {
              if (before[v * columns + u]) {
                levels += level[v * columns + u];
                noises += noise[v * columns + u];
                count++;
              }
            }
          }
          if (count > 0) {
            level[i] = levels / count;
            noise[i] = noises / count;
            known[i] = true;
            left--;
          }
        }
      }
    }
  }

  private static float median(float[] values) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    return 0.5f * (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]);
  }

  private float[] plane(float[] mesh, int[] columnStart, int[] rowStart) {
    int columns = columnStart.length - 1;
    int rows = rowStart.length - 1;
    int width = columnStart[columns];
    int height = rowStart[rows];
    float[] columnCentre = centres(columnStart);
    float[] rowCentre = centres(rowStart);
    plane.value = new float[height * columns];
    plane.curvature = new float[height * columns];
    alongColumns(mesh, columns, rowCentre, height, plane.value);
    NaturalSpline across = new NaturalSpline(columnCentre);
    float[] values = new float[columns];
    float[] curvatures = new float[columns];
    for (int y = 0; y < height; y++) {
      System.arraycopy(plane.value, y * columns, values, 0, columns);
      across.curvatures(values, curvatures);
      System.arraycopy(curvatures, 0, plane.curvature, y * columns, columns);
    }
    plane.centre = columnCentre;
    plane.columns = columns;
    plane.cellStart = new int[columns + 2];
    for (int i = 0; i < columns; i++) {
      plane.cellStart[i + 1] = (int) Math.ceil(columnCentre[i]);
    }
    plane.cellStart[columns + 1] = width;
    plane.width = width;
    plane.level = new float[width * height];
    device.run(plane, height);
    float[] level = plane.level;
    plane.level = null;
    return level;
  }

  /** The splines along the columns of the mesh, evaluated at every row of the image. */
  private static void alongColumns(
      float[] mesh, int columns, float[] centre, int height, float[] into) {
    NaturalSpline spline = new NaturalSpline(centre);
    float[] values = new float[centre.length];
    float[] curvatures = new float[centre.length];
    for (int column = 0; column < columns; column++) {
      for (int row = 0; row < centre.length; row++) {
        values[row] = mesh[row * columns + column];
      }
      spline.curvatures(values, curvatures);
      int cell = 0;
      for (int y = 0; y < height; y++) {
        while (cell < centre.length - 2 && y > centre[cell + 1]) {
          cell++;
        }
        into[y * columns + column] = spline.at(y, cell, values, curvatures);
      }
    }
  }

  private static float[] centres(int[] starts) {
    float[] centres = new float[starts.length - 1];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = 0.5f * (starts[i] + starts[i + 1] - 1);
    }
    return centres;
  }
}
