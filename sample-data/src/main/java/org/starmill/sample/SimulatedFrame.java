package org.starmill.sample;

/**
 * A raw frame as the simulated camera reads it: whole numbers from 0 to 65535, held as floats.
 *
 * @param adu row-major, {@code (width + overscan) * height} values
 * @param width columns that see light, from column 0 on
 * @param height rows
 * @param overscan columns read without light, right of the others
 */
public record SimulatedFrame(float[] adu, int width, int height, int overscan) {

  /** Columns in all, overscan included. */
  public int columns() {
    return width + overscan;
  }

  /** The raw value of a pixel, ADU; columns from {@link #width} on are overscan. */
  public float at(int x, int y) {
    return adu[y * columns() + x];
  }
}
