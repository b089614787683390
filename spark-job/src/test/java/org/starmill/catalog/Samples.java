package org.starmill.catalog;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.starmill.image.Section;
import org.starmill.instrument.FrameFacts;
import org.starmill.instrument.ImageType;
import org.starmill.measure.ApertureSummary;
import org.starmill.measure.ImageSummary;
import org.starmill.measure.Stars;
import org.starmill.psf.PsfHoldOut;

/** Made-up stars and images. */
public final class Samples {
  private Samples() {}

  /** Stars with values of all magnitudes; every tenth was not fitted well enough for errors. */
  public static Stars stars(int count, long seed) {
    Random random = new Random(seed);
    double[] x = new double[count];
    double[] y = new double[count];
    float[][] values = new float[13][count];
    int[] flags = new int[count];
    int[] pass = new int[count];
    for (int i = 0; i < count; i++) {
      x[i] = random.nextDouble() * 3072;
      y[i] = random.nextDouble() * 3080;
      for (float[] column : values) {
        column[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(6)));
      }
      if (i % 10 == 9) {
        values[0][i] = Float.NaN;
        values[1][i] = Float.NaN;
        values[5][i] = Float.NaN;
      }
      flags[i] = random.nextInt(1 << 27);
      pass[i] = 1 + random.nextInt(3);
    }
    return new Stars(
        x,
        y,
        values[0],
        values[1],
        values[2],
        values[3],
        values[4],
        values[5],
        values[6],
        values[7],
        values[8],
        new float[][] {values[9], values[10]},
        new float[][] {values[11], values[12]},
        flags,
        pass);
  }

  /** Positions on the sky; every seventh star has none. */
  static double[] angles(int count, long seed) {
    Random random = new Random(seed);
    double[] angles = new double[count];
    for (int i = 0; i < count; i++) {
      angles[i] = i % 7 == 6 ? Double.NaN : random.nextDouble() * 90;
    }
    return angles;
  }

  public static FrameFacts facts() {
    return new FrameFacts(
        ImageType.SCIENCE,
        new Section(0, 0, 10, 10),
        null,
        List.of(),
        6.5,
        Double.NaN,
        60000,
        30,
        60443.25,
        "2024-05-12",
        "zr",
        "763",
        "14",
        "3",
        Double.NaN,
        "there is no BIASSEC",
        List.of("odd header"));
  }

  public static ImageSummary summary() {
    return new ImageSummary(
        211.5,
        15.25,
        "moffat",
        2.125,
        0.0625,
        3.5,
        321,
        1.03125,
        new double[] {0.5, -1.5, 2.25},
        0.001,
        0.002,
        100,
        new ApertureSummary(
            new double[] {2, 5},
            new double[] {0.5, 0.875},
            new double[] {2, Double.NaN},
            new double[] {0.001, Double.NaN},
            new double[] {0.01, Double.NaN},
            77),
        new PsfHoldOut(
            64,
            0.001,
            0.01,
            0.002,
            0.02,
            0.003,
            0.03,
            -0.004,
            0.04,
            0.005,
            0.006,
            Double.NaN,
            0.008),
        0.0003,
        1,
        0.0025,
        12.5);
  }

  public static ExposureRow.Identity identity(long exposureId, String path, int hdu) {
    return new ExposureRow.Identity(exposureId, path, hdu, "generic", "night-1", "0.1.0", "abcd");
  }

  static ExposureRow measured(long exposureId) {
    return ExposureRow.of(identity(exposureId, "hdfs://host/a.fits", 4))
        .withFacts(facts())
        .withMasters("bias-1", "flat-1", 10.5)
        .withMeasured(20_000, summary(), "java")
        .withZeroPoint(26.5, 0.0125)
        .withSeconds(
            Map.of(
                "read",
                1.0,
                "masters",
                2.0,
                "calibrate",
                3.0,
                "sky",
                4.0,
                "detect",
                5.0,
                "psf",
                6.0,
                "measure",
                7.0))
        .withSeconds(Map.of("write", 8.0))
        .withNotes(List.of("few stars"));
  }
}
