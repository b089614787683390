package org.starmill.psf;

import java.util.List;
import java.util.SplittableRandom;
import org.starmill.device.Devices;
import org.starmill.device.KernelCheck;
import org.starmill.device.KernelChecks;

/** Checks of the kernels that draw and fit the PSF. */
public final class PsfChecks implements KernelChecks {
  private static final int SIDE = 97;
  private static final float PEAK = 0.3f;
  private static final float NOISE = 30f;

  /** Columns of a star's design matrix, with the residual. */
  private static final int COLUMNS = 9;

  private static final int MOST_GRIDS = 2000;

  @Override
  public List<KernelCheck<?>> checks() {
    return List.of(
        KernelCheck.of(PsfStampKernel.class, 1e-5, PsfChecks::stamp)
            .giving("stamp", kernel -> KernelCheck.scaled(kernel.stamp, 0, PEAK)),
        KernelCheck.of(TargetKernel.class, 5e-5, PsfChecks::targets)
            .giving("target", kernel -> KernelCheck.scaled(kernel.target, 0, NOISE))
            .giving("variance", kernel -> kernel.variance),
        KernelCheck.of(PsfNormalKernel.class, 2e-4, PsfChecks::normals)
            .giving("sums", PsfChecks::sums)
            .giving("weights", kernel -> KernelCheck.scaled(kernel.weights, 0, 1e-3f))
            .giving("left", PsfChecks::left)
            .giving("grid", PsfChecks::grid));
  }

  /**
   * A PSF that varies over the field as little as a camera's does over so few pixels: Gaussian or
   * Moffat, of either profile at times with residuals on top.
   */
  public static Psf example(int width, int height, SplittableRandom random) {
    double[][] shape = {
      {Math.log(random.nextDouble(1.8, 4)), 0.002, -0.002},
      {random.nextDouble(-0.1, 0.1), 0.002, 0},
      {random.nextDouble(-0.1, 0.1), 0.001, 0.002},
      {random.nextInt(3) == 0 ? 3 : random.nextDouble(2.2, 4.5)}
    };
    PsfModel[] models = PsfModel.values();
    Psf psf = new Psf(models[random.nextInt(models.length)], width, height, shape);
    if (random.nextInt(2) == 0) {
      return psf;
    }
    int steps = 1 + width % 2;
    int reach = 3 + height % 4;
    int side = 2 * reach + 1;
    double[] coefficients = new double[side * side];
    double wave = random.nextDouble(0.5, 1);
    for (int i = 0; i < coefficients.length; i++) {
      double x = (double) (i % side - reach) / steps;
      double y = (double) (i / side - reach) / steps;
      coefficients[i] = 5e-3 * Math.cos(wave * (x + 0.5 * y)) * Math.exp(-0.2 * (x * x + y * y));
    }
    return psf.with(new PsfResidual(steps, reach, 1, coefficients, psf));
  }

  /** Half side of stamps that keep so many of them small enough to be done in a second. */
  public static int stampRadius(int stars) {
    return stars > 5000 ? 2 : 3 + stars % 5;
  }

  private static PsfStampKernel stamp(int rows, SplittableRandom random, boolean vectors) {
    PsfStampKernel kernel = new PsfStampKernel();
    Psf psf = example(SIDE, SIDE, random);
    kernel.configure(psf);
    kernel.radius = Math.min(12, (rows - 1) / 2);
    kernel.form = new float[PsfKernel.FORM];
    psf.formAt(random.nextInt(SIDE), random.nextInt(SIDE), kernel.form, 0);
    kernel.stamp = new float[rows * (2 * kernel.radius + 1)];
    return kernel;
  }

  /** The twins want rows that fill their vectors. */
  private static int stride(int radius) {
    return Devices.VECTORS ? PsfStamps.stride(radius) : 2 * radius + 1;
  }

  private static float[] offsets(int count, SplittableRandom random) {
    float[] offsets = new float[count];
    for (int i = 0; i < count; i++) {
      offsets[i] = (float) random.nextDouble(-0.5, 0.5);
    }
    return offsets;
  }

  private static float[] fluxes(int count, SplittableRandom random) {
    float[] fluxes = new float[count];
    for (int i = 0; i < count; i++) {
      fluxes[i] = (float) Math.pow(10, random.nextDouble(3, 6));
    }
    return fluxes;
  }

  private static TargetKernel targets(int stars, SplittableRandom random, boolean vectors) {
    TargetKernel kernel = new TargetKernel();
    Psf psf = example(SIDE, SIDE, random);
    kernel.configure(psf);
    kernel.width = SIDE;
    kernel.height = SIDE - 8;
    kernel.stampRadius = stampRadius(stars);
    kernel.stride = stride(kernel.stampRadius);
    int size = kernel.width * kernel.height;
    kernel.image = new float[size];
    kernel.model = new float[size];
    kernel.base = new float[size];
    for (int i = 0; i < size; i++) {
      kernel.model[i] = random.nextInt(256);
      kernel.image[i] = kernel.model[i] + NOISE * (float) random.nextDouble(-1.7, 1.7);
      kernel.base[i] = random.nextInt(30) == 0 ? 0 : 900 + random.nextInt(200);
    }
    kernel.centreX = new int[stars];
    kernel.centreY = new int[stars];
    kernel.offsetX = offsets(stars, random);
    kernel.offsetY = offsets(stars, random);
    kernel.flux = fluxes(stars, random);
    kernel.form = new float[stars * PsfKernel.FORM];
    for (int i = 0; i < stars; i++) {
      kernel.centreX[i] = random.nextInt(kernel.width);
      kernel.centreY[i] = random.nextInt(kernel.height);
      psf.formAt(kernel.centreX[i], kernel.centreY[i], kernel.form, i * PsfKernel.FORM);
    }
    int places = stars * (2 * kernel.stampRadius + 1) * kernel.stride;
    kernel.target = new float[places];
    kernel.variance = new float[places];
    return kernel;
  }

  /** Stars a hundredth wider than the PSF says, with residual grids for some. */
  private static PsfNormalKernel normals(int stars, SplittableRandom random, boolean vectors) {
    PsfNormalKernel kernel = new PsfNormalKernel();
    Psf psf = example(SIDE, SIDE, random);
    double[][] wider = psf.polynomials();
    wider[Psf.LOG_FWHM][0] += 0.01;
    Psf truth = psf.with(wider);
    kernel.configure(psf);
    int radius = stampRadius(stars);
    int side = 2 * radius + 1;
    kernel.stampRadius = radius;
    kernel.stride = stride(radius);
    kernel.modelVariance = 1e-4f;
    kernel.offsetX = offsets(stars, random);
    kernel.offsetY = offsets(stars, random);
    kernel.flux = fluxes(stars, random);
    kernel.sky = new float[stars];
    kernel.photon = new float[stars];
    kernel.form = new float[stars * PsfKernel.FORM];
    int places = stars * side * kernel.stride;
    kernel.target = new float[places];
    kernel.variance = new float[places];
    PsfStampKernel drawn = new PsfStampKernel();
    drawn.configure(truth);
    float[] form = new float[PsfKernel.FORM];
    for (int i = 0; i < stars; i++) {
      int x = random.nextInt(SIDE);
      int y = random.nextInt(SIDE);
      psf.formAt(x, y, kernel.form, i * PsfKernel.FORM);
      truth.formAt(x, y, form, 0);
      kernel.sky[i] = (float) random.nextDouble(-3, 3);
      kernel.photon[i] = (float) random.nextDouble(0.9, 1.1);
      for (int py = -radius; py <= radius; py++) {
        for (int px = -radius; px <= radius; px++) {
          int k = (i * side + py + radius) * kernel.stride + px + radius;
          float dx = px - kernel.offsetX[i];
          float dy = py - kernel.offsetY[i];
          float light = kernel.flux[i] * drawn.pixel(form, 0, dx, dy, drawn.order(px, py));
          kernel.target[k] = light + NOISE * (float) random.nextDouble(-1.7, 1.7);
          kernel.variance[k] = random.nextInt(30) == 0 ? 0 : 900 + random.nextInt(200);
        }
      }
    }
    if (stars <= MOST_GRIDS) {
      kernel.gridSteps = 1;
      kernel.gridReach = Math.min(radius, 4);
      kernel.gridColumns = PsfNormalKernel.GRID_COLUMNS;
      kernel.gridOf = new int[stars];
      int grids = 0;
      for (int i = 0; i < stars; i++) {
        kernel.gridOf[i] = i % 3 == 2 ? -1 : grids++;
      }
      kernel.grid = new float[grids * numbers(kernel)];
    }
    kernel.sideBySide = random.nextInt(2);
    kernel.work = new float[stars * PsfNormalKernel.WORK];
    kernel.weights = new float[places];
    kernel.left = new float[places];
    kernel.sums = new float[stars * PsfNormalKernel.SUMS];
    return kernel;
  }

  /** Numbers of one star's grid. */
  private static int numbers(PsfNormalKernel kernel) {
    int side = 2 * kernel.gridReach + 1;
    return side * side * kernel.gridColumns;
  }

  /** Each sum over the geometric mean of both its diagonals, which are given as logarithms. */
  private static float[] sums(PsfNormalKernel kernel) {
    float[] sums = kernel.sums.clone();
    for (int o = 0; o < sums.length; o += PsfNormalKernel.SUMS) {
      for (int a = 0; a < COLUMNS; a++) {
        for (int b = 0; b <= a; b++) {
          int k = o + a * (a + 1) / 2 + b;
          double scale = Math.sqrt((double) diagonal(kernel, o, a) * diagonal(kernel, o, b));
          if (scale > 0) {
            sums[k] = (float) (a == b ? Math.log(scale) : kernel.sums[k] / scale);
          }
        }
      }
    }
    return sums;
  }

  private static float diagonal(PsfNormalKernel kernel, int o, int a) {
    return kernel.sums[o + a * (a + 1) / 2 + a];
  }

  /** What is left in each pixel, in standard deviations. */
  private static float[] left(PsfNormalKernel kernel) {
    float[] left = new float[kernel.left.length];
    for (int i = 0; i < left.length; i++) {
      left[i] = kernel.left[i] * (float) Math.sqrt(kernel.weights[i]);
    }
    return left;
  }

  /** The grids' numbers over the largest that they can have. */
  private static float[] grid(PsfNormalKernel kernel) {
    float[] grid = kernel.grid.clone();
    for (int star = 0; kernel.gridSteps > 0 && star < kernel.gridOf.length; star++) {
      int o = star * PsfNormalKernel.SUMS;
      for (int k = 0; kernel.gridOf[star] >= 0 && k < numbers(kernel); k++) {
        float column = diagonal(kernel, o, k % COLUMNS);
        double most = kernel.flux[star] * Math.sqrt((double) column * diagonal(kernel, o, 3));
        if (most > 0) {
          grid[kernel.gridOf[star] * numbers(kernel) + k] /= (float) most;
        }
      }
    }
    return grid;
  }
}
