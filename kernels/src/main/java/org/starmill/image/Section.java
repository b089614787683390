package org.starmill.image;

/**
 * A rectangle of pixels, counted from zero: its first column and row, its width and height.
 *
 * @param x first column
 * @param y first row
 * @param width number of columns, at least 1
 * @param height number of rows, at least 1
 */
public record Section(int x, int y, int width, int height) implements java.io.Serializable {

  public Section {
    if (x < 0 || y < 0 || width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "section of %d x %d pixels at (%d, %d): expected a size of at least 1 x 1 at a position of at least (0, 0)"
              .formatted(width, height, x, y));
    }
  }

  /** Whether all of this section lies in an image of the given size. */
  public boolean fitsInto(int imageWidth, int imageHeight) {
    return x + width <= imageWidth && y + height <= imageHeight;
  }
}
