package org.starmill.sky;

import java.util.List;
import java.util.SplittableRandom;
import org.starmill.device.KernelCheck;
import org.starmill.device.KernelChecks;
import org.starmill.image.PixelFlag;

/** Checks of the kernels that measure the sky's mesh and draw it. */
public final class SkyChecks implements KernelChecks {
  private static final int MOST_PIXELS = 100_000;
  private static final float LEVEL = 1000f;
  private static final float NOISE = 30f;

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(BoxKernel.class, 1e-3, SkyChecks::boxes)
            .giving("level", kernel -> KernelCheck.scaled(kernel.level, LEVEL, NOISE))
            .giving("noise", kernel -> KernelCheck.scaled(kernel.noise, 0, NOISE))
            .giving("good", kernel -> KernelCheck.halves(kernel.good)),
        KernelCheck.of(SkyPlaneKernel.class, 2e-6, SkyChecks::plane)
            .giving(
                "level",
                kernel ->
                    kernel.subtracting == 1
                        ? new float[0]
                        : KernelCheck.scaled(kernel.level, 0, LEVEL))
            .giving("image", kernel -> KernelCheck.scaled(kernel.image, 0, LEVEL)));
  }

  /**
   * Boxes in one row of the mesh: noise whose sums over squares of odd side cancel, so that none is
   * near its limit, stars far above every limit, pixels without use.
   */
  private static BoxKernel boxes(int boxes, SplittableRandom random, boolean vectors) {
    BoxKernel kernel = new BoxKernel();
    int side = Math.max(4, Math.min(16, (int) Math.sqrt((double) MOST_PIXELS / boxes)));
    int shortest = side - 1;
    kernel.columns = boxes;
    kernel.columnStart = new int[boxes + 1];
    for (int i = 0; i < boxes; i++) {
      kernel.columnStart[i + 1] = kernel.columnStart[i] + shortest + (i % 3) / 2;
    }
    kernel.width = kernel.columnStart[boxes];
    kernel.height = side;
    kernel.rowStart = new int[] {0, side};
    kernel.smoothing = side < 8 ? 1 : 1 + boxes % 2;
    kernel.reach = side < 8 ? 1 : 1 + boxes % 3;
    kernel.slot = BoxKernel.slot(side, side, kernel.smoothing + kernel.reach);
    kernel.useModel = random.nextInt(2);
    kernel.modelLimit = 1;
    kernel.goodShare = 0.5f;
    // In a box of a dozen pixels two stars put the clipping on edge: one rounding decides.
    int aStarIn = (side < 8 ? 64 : 1) * side * side;
    int size = kernel.width * kernel.height;
    kernel.image = new float[size];
    kernel.mask = new short[size];
    kernel.model = new float[kernel.useModel == 1 ? size : 1];
    for (int i = 0; i < size; i++) {
      int sign = (i % kernel.width + i / kernel.width) % 2 == 0 ? 1 : -1;
      kernel.image[i] = LEVEL + NOISE * sign * (float) random.nextDouble(0.6, 1);
      if (random.nextInt(30) == 0) {
        kernel.mask[i] = PixelFlag.BAD;
        kernel.image[i] = 1e6f;
      } else if (random.nextInt(aStarIn) == 0) {
        kernel.image[i] += 200 * NOISE;
      }
      if (kernel.useModel == 1) {
        kernel.model[i] = random.nextInt(20) == 0 ? 5 : 0.25f * random.nextInt(4);
      }
    }
    kernel.wide = new float[boxes * kernel.slot];
    kernel.highest = new float[boxes * kernel.slot];
    kernel.lowest = new float[boxes * kernel.slot];
    kernel.between = new float[boxes * kernel.slot];
    kernel.level = new float[boxes];
    kernel.noise = new float[boxes];
    kernel.good = new int[boxes];
    return kernel;
  }

  private static SkyPlaneKernel plane(int height, SplittableRandom random, boolean vectors) {
    SkyPlaneKernel kernel = new SkyPlaneKernel();
    kernel.columns = 1 + height % 8;
    kernel.rows = 1 + height % 7;
    int most = Math.max(16, Math.min(400, MOST_PIXELS / height));
    kernel.width = most - height % 5;
    kernel.centre = new float[kernel.columns];
    kernel.cellStart = new int[kernel.columns + 2];
    for (int i = 0; i < kernel.columns; i++) {
      kernel.centre[i] = (i + 0.5f) * kernel.width / kernel.columns - 0.5f;
      kernel.cellStart[i + 1] = (int) Math.ceil(kernel.centre[i]);
    }
    kernel.cellStart[kernel.columns + 1] = kernel.width;
    kernel.meshRow = new int[height];
    kernel.weight = new float[4 * height];
    for (int y = 0; y < height; y++) {
      kernel.meshRow[y] = random.nextInt(kernel.rows);
      kernel.weight[4 * y] = random.nextInt(1024) / 1024f;
      kernel.weight[4 * y + 1] = 1 - kernel.weight[4 * y];
      kernel.weight[4 * y + 2] = (float) random.nextDouble(-1, 1);
      kernel.weight[4 * y + 3] = (float) random.nextDouble(-1, 1);
    }
    int size = kernel.columns * kernel.rows;
    kernel.mesh = new float[4 * size];
    for (int i = 0; i < kernel.mesh.length; i++) {
      kernel.mesh[i] = (float) random.nextDouble(-0.01, 0.01);
      if (i < size) {
        kernel.mesh[i] += LEVEL;
      }
    }
    kernel.subtracting = random.nextInt(2);
    kernel.level = new float[kernel.subtracting == 1 ? 1 : height * kernel.width];
    kernel.image = new float[kernel.subtracting == 1 ? height * kernel.width : 1];
    for (int i = 0; i < kernel.image.length; i++) {
      kernel.image[i] = LEVEL * random.nextInt(8) / 8f;
    }
    return kernel;
  }
}
