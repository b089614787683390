package org.starmill.bench;

import org.starmill.device.Device;
import org.starmill.device.ItemKernel;

/**
 * Measures the bandwidth of the memory as a kernel on a device sees it.
 *
 * <p>The triad a = b + s c of STREAM (McCalpin 1995) over arrays far larger than any cache, 12
 * bytes an element as STREAM counts them; the best of several runs. It is run as the steps are, so
 * that on an OpenCL device the way of the arrays over the bus and back is in it.
 */
final class MemoryBandwidth {
  private static final int BLOCK = 1 << 14;
  private static final int ELEMENTS = 1 << 24;
  private static final int RUNS = 12;
  private static final double BYTES = 12.0 * ELEMENTS;

  private MemoryBandwidth() {}

  /** Bytes a second. */
  static double of(Device device) {
    Triad triad = new Triad();
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
      double seconds = Stopwatch.of(device, () -> device.run(triad, ELEMENTS / BLOCK)).wall();
      best = Math.max(best, BYTES / seconds);
    }
    return best;
  }

  private static final class Triad extends ItemKernel {
    private final int block = BLOCK;
    private final float factor = 0.5f;
    private final float[] sum = new float[ELEMENTS];
    private final float[] first = new float[ELEMENTS];
    private final float[] second = new float[ELEMENTS];

    @Override
    public void item(int item) {
      int from = item * block;
      int to = from + block;
      for (int i = from; i < to; i++) {
        sum[i] = first[i] + factor * second[i];
      }
    }
  }
}
