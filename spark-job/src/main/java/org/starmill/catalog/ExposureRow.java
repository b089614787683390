package org.starmill.catalog;

import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.starmill.instrument.FrameFacts;
import org.starmill.measure.ImageSummary;

/**
 * What is to be said of one image: a row of {@link CatalogTable#EXPOSURES}.
 *
 * <p>Starts with {@link #of} and gains what becomes known of the image on its way; what never does
 * stays null in the table. Immutable.
 *
 * @param identity which image of which campaign
 * @param outcome how it went
 * @param facts what the header says; null where it could not be read
 * @param calibration what it was calibrated with
 * @param measurement what was measured, and on which device
 * @param zeroPoint of its magnitudes
 * @param seconds wall seconds by step: read, masters, calibrate, sky, detect, psf, measure, write
 * @param notes oddities, beside those of the header
 */
public record ExposureRow(
    Identity identity,
    Outcome outcome,
    FrameFacts facts,
    Calibration calibration,
    Measurement measurement,
    ZeroPoint zeroPoint,
    Map<String, Double> seconds,
    List<String> notes)
    implements Serializable {

  /**
   * Which image it is, and what reduces it.
   *
   * @param exposureId number of the image in the campaign
   * @param path file it was read from
   * @param hdu number of its HDU
   * @param instrument name of the instrument file
   * @param campaign identity of the campaign
   * @param softwareVersion version of Starmill
   * @param configHash names all settings that change results
   */
  public record Identity(
      long exposureId,
      String path,
      int hdu,
      String instrument,
      String campaign,
      String softwareVersion,
      String configHash)
      implements Serializable {}

  /**
   * How it went with the image.
   *
   * @param reason why it is not ok; null where it is
   */
  public record Outcome(ExposureStatus status, String reason) implements Serializable {
    static final Outcome OK = new Outcome(ExposureStatus.OK, null);
  }

  /**
   * What the image was calibrated with.
   *
   * @param biasId identity of the master bias; null for none
   * @param flatId identity of the master flat; null for none
   * @param readNoise electrons, as used; NaN where unknown
   */
  public record Calibration(String biasId, String flatId, double readNoise)
      implements Serializable {}

  /**
   * What was measured.
   *
   * @param stars number of stars; -1 where none were looked for
   * @param summary the image in numbers; null where it was not measured
   * @param device that ran the kernels; null where none did
   */
  public record Measurement(int stars, ImageSummary summary, String device)
      implements Serializable {
    static final Measurement NONE = new Measurement(-1, null, null);
  }

  /**
   * The scale of the magnitudes.
   *
   * @param magnitude of one electron a second; NaN where unknown
   * @param error one standard deviation; NaN where unknown
   */
  public record ZeroPoint(double magnitude, double error) implements Serializable {
    static final ZeroPoint UNKNOWN = new ZeroPoint(Double.NaN, Double.NaN);
  }

  public ExposureRow {
    seconds = Map.copyOf(seconds);
    notes = List.copyOf(notes);
    if ((outcome.status() == ExposureStatus.OK) != (outcome.reason() == null)) {
      throw new IllegalArgumentException(
          "exposure %d of %s is %s with reason %s: expected a reason unless it is ok"
              .formatted(
                  identity.exposureId(),
                  identity.path(),
                  outcome.status().word(),
                  outcome.reason()));
    }
  }

  /** A row of which only the campaign's part is known, with status ok. */
  public static ExposureRow of(Identity identity) {
    return new ExposureRow(
        identity,
        Outcome.OK,
        null,
        new Calibration(null, null, Double.NaN),
        Measurement.NONE,
        ZeroPoint.UNKNOWN,
        Map.of(),
        List.of());
  }

  /** The row of an image that went another way than hoped. */
  public ExposureRow with(ExposureStatus status, String reason) {
    return with(new Outcome(status, reason), seconds);
  }

  private ExposureRow with(Outcome outcome, Map<String, Double> seconds) {
    return new ExposureRow(
        identity, outcome, facts, calibration, measurement, zeroPoint, seconds, notes);
  }

  /** With the wall seconds of more steps. */
  public ExposureRow withSeconds(Map<String, Double> more) {
    Map<String, Double> all = new HashMap<>(seconds);
    all.putAll(more);
    return with(outcome, all);
  }

  /** With what the header says. */
  public ExposureRow withFacts(FrameFacts facts) {
    Calibration known =
        new Calibration(calibration.biasId(), calibration.flatId(), facts.readNoise());
    return new ExposureRow(identity, outcome, facts, known, measurement, zeroPoint, seconds, notes);
  }

  /**
   * With the masters.
   *
   * @param readNoise electrons, as used
   */
  public ExposureRow withMasters(String biasId, String flatId, double readNoise) {
    Calibration used = new Calibration(biasId, flatId, readNoise);
    return new ExposureRow(identity, outcome, facts, used, measurement, zeroPoint, seconds, notes);
  }

  /** With what was measured. */
  public ExposureRow withMeasured(int stars, ImageSummary summary, String device) {
    Measurement measured = new Measurement(stars, summary, device);
    return new ExposureRow(
        identity, outcome, facts, calibration, measured, zeroPoint, seconds, notes);
  }

  /** With a zero point. */
  public ExposureRow withZeroPoint(double magnitude, double error) {
    ZeroPoint known = new ZeroPoint(magnitude, error);
    return new ExposureRow(
        identity, outcome, facts, calibration, measurement, known, seconds, notes);
  }

  /** With notes beside those of the header. */
  public ExposureRow withNotes(List<String> notes) {
    return new ExposureRow(
        identity, outcome, facts, calibration, measurement, zeroPoint, seconds, notes);
  }

  /** Number of the image in the campaign. */
  public long exposureId() {
    return identity.exposureId();
  }

  /** Number of stars; -1 where none were looked for. */
  public int stars() {
    return measurement.stars();
  }

  /** Seconds of a step; NaN where it was not run. */
  double secondsOf(String step) {
    return seconds.getOrDefault(step, Double.NaN);
  }

  /** Magnitude at five standard deviations; NaN where unknown. */
  public double limitingMagnitude() {
    ImageSummary summary = measurement.summary();
    return summary == null || facts == null
        ? Double.NaN
        : Magnitudes.of(summary.limitingFlux(), facts.exposureSeconds(), zeroPoint.magnitude());
  }
}
