package org.starmill.bench;

import java.util.List;

/**
 * How fast images become stars on one device.
 *
 * @param device its name
 * @param java version of the JVM
 * @param vectors whether kernels ran their twins for the Vector API
 * @param width columns of the image
 * @param height rows
 * @param starsDrawn stars that were simulated
 * @param starsMeasured stars of the catalog
 * @param repeat runs that medians are taken over
 * @param peakBytesPerSecond of the memory, as a triad on this device reaches it
 * @param steps one after the other, and the whole image
 * @param fitSweeps steps of all stars that one pass of the fit took
 * @param starsPerSecond of wall time, one image at a time
 * @param megapixelsPerSecond of wall time, one image at a time
 * @param parallel several images at once; null where only one was asked for
 * @param cost of a survey
 */
public record Speed(
    String device,
    String java,
    boolean vectors,
    int width,
    int height,
    int starsDrawn,
    int starsMeasured,
    int repeat,
    double peakBytesPerSecond,
    List<Step> steps,
    int fitSweeps,
    double starsPerSecond,
    double megapixelsPerSecond,
    Parallel parallel,
    Cost cost) {

  /**
   * A row of the table: medians.
   *
   * @param name what was done
   * @param cpuSeconds of all cores together; null where an OpenCL device's are not known
   * @param wallSeconds of the clock
   * @param bytes that must be moved at least
   * @param bandwidthShare bytes over wall seconds, over the peak
   */
  public record Step(
      String name, Double cpuSeconds, double wallSeconds, double bytes, double bandwidthShare) {}

  /**
   * Several images at once, each in a thread of its own.
   *
   * @param threads as many images are in work at a time
   * @param imagesPerSecond of all together
   * @param imagesPerSecondOfOne with one thread, measured in turns with the others
   * @param gain the ratio of the two
   */
  public record Parallel(
      int threads, double imagesPerSecond, double imagesPerSecondOfOne, double gain) {}

  /**
   * What a survey would cost, with raw frames and masters in memory: reading, decoding and writing
   * come on top.
   *
   * @param images of the survey
   * @param unit "core-years" of CPU time, or "device-years" of wall time on a GPU
   * @param years how many
   */
  public record Cost(long images, String unit, double years) {}

  /** The row of a name. */
  public Step step(String name) {
    return steps.stream().filter(step -> step.name().equals(name)).findFirst().orElseThrow();
  }
}
