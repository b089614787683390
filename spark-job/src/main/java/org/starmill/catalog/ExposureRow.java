package org.starmill.catalog;

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
 * @param exposureId number of the image in the campaign
 * @param path file it was read from
 * @param hdu number of its HDU
 * @param status how it went
 * @param reason why it is not ok; null where it is
 * @param instrument name of the instrument file
 * @param facts what the header says; null where it could not be read
 * @param readNoise electrons, as used; NaN where unknown
 * @param stars number of stars; -1 where none were looked for
 * @param summary the measured image in numbers; null where it was not measured
 * @param zeroPoint magnitude of one electron a second; NaN where unknown
 * @param zeroPointErr one standard deviation; NaN where unknown
 * @param seconds wall seconds by step: read, masters, calibrate, sky, detect, psf, measure, write
 * @param device that ran the kernels; null where none did
 * @param campaign identity of the campaign
 * @param softwareVersion version of Starmill
 * @param configHash names all settings that change results
 * @param biasId identity of the master bias; null for none
 * @param flatId identity of the master flat; null for none
 * @param notes oddities, beside those of the header
 */
public record ExposureRow(
    long exposureId,
    String path,
    int hdu,
    ExposureStatus status,
    String reason,
    String instrument,
    FrameFacts facts,
    double readNoise,
    int stars,
    ImageSummary summary,
    double zeroPoint,
    double zeroPointErr,
    Map<String, Double> seconds,
    String device,
    String campaign,
    String softwareVersion,
    String configHash,
    String biasId,
    String flatId,
    List<String> notes)
    implements java.io.Serializable {

  public ExposureRow {
    seconds = Map.copyOf(seconds);
    notes = List.copyOf(notes);
    if ((status == ExposureStatus.OK) != (reason == null)) {
      throw new IllegalArgumentException(
          "exposure %d of %s is %s with reason %s: expected a reason unless it is ok"
              .formatted(exposureId, path, status.word(), reason));
    }
  }

  /** A row of which only the campaign's part is known, with status ok. */
  public static ExposureRow of(
      long exposureId,
      String path,
      int hdu,
      String instrument,
      String campaign,
      String softwareVersion,
      String configHash) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        ExposureStatus.OK,
        null,
        instrument,
        null,
        Double.NaN,
        -1,
        null,
        Double.NaN,
        Double.NaN,
        Map.of(),
        null,
        campaign,
        softwareVersion,
        configHash,
        null,
        null,
        List.of());
  }

  /** The row of an image that went another way than hoped. */
  public ExposureRow with(ExposureStatus status, String reason) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With what the header says. */
  public ExposureRow withFacts(FrameFacts facts) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        facts.readNoise(),
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /**
   * With the masters.
   *
   * @param readNoise electrons, as used
   */
  public ExposureRow withMasters(String biasId, String flatId, double readNoise) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With what was measured. */
  public ExposureRow withMeasured(int stars, ImageSummary summary, String device) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With a zero point. */
  public ExposureRow withZeroPoint(double zeroPoint, double zeroPointErr) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With the wall seconds of more steps. */
  public ExposureRow withSeconds(Map<String, Double> more) {
    Map<String, Double> all = new HashMap<>(seconds);
    all.putAll(more);
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        all,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With a device, for rows of images that failed on it. */
  public ExposureRow withDevice(String device) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** With notes beside those of the header. */
  public ExposureRow withNotes(List<String> notes) {
    return new ExposureRow(
        exposureId,
        path,
        hdu,
        status,
        reason,
        instrument,
        facts,
        readNoise,
        stars,
        summary,
        zeroPoint,
        zeroPointErr,
        seconds,
        device,
        campaign,
        softwareVersion,
        configHash,
        biasId,
        flatId,
        notes);
  }

  /** Seconds of a step; NaN where it was not run. */
  double secondsOf(String step) {
    return seconds.getOrDefault(step, Double.NaN);
  }

  /** Magnitude at five standard deviations; NaN where unknown. */
  public double limitingMagnitude() {
    return summary == null || facts == null
        ? Double.NaN
        : Magnitudes.of(summary.limitingFlux(), facts.exposureSeconds(), zeroPoint);
  }
}
