package org.starmill.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.starmill.image.PixelFlag;

/**
 * How near the catalogs of simulated fields come to the truth.
 *
 * <p>{@link Row}s are of unsaturated true stars above S/N 5 by their bound; all figures of {@link
 * Row} but completeness are of those that were found.
 *
 * @param stars of a field
 * @param isolated no neighbour above 1 % of the flux within 10 pixels; the first row is of all, the
 *     others go by magnitude, brightest first
 * @param crowded a neighbour above 10 % of the flux within 5 pixels
 * @param commonFactor median of flux / truth of isolated stars above S/N 50, as a zero point would
 *     take it up
 * @param faintBias median of (flux - truth) / truth of isolated stars from S/N 5 to 20, in %
 * @param purity share of the measured stars above S/N 7 that a true star explains
 * @param falseStars number of the others
 * @param falseNearBadPixels how many of those have a bad pixel within two pixels
 * @param wrong share of all found stars that are off by more than 5 flux_err without a warning
 * @param wrongNearBadPixels how many of those have a bad pixel within two pixels
 * @param warned share of all found stars with a flag that warns
 * @param saturated stars whose own light fills a pixel
 * @param cpuSeconds of each step
 */
public record Accuracy(
    int stars,
    List<Row> isolated,
    List<Row> crowded,
    double commonFactor,
    double faintBias,
    double purity,
    int falseStars,
    int falseNearBadPixels,
    double wrong,
    int wrongNearBadPixels,
    double warned,
    Saturated saturated,
    Map<String, Double> cpuSeconds) {

  private static final double LEAST_SIGNIFICANCE = 5;
  private static final double FAINT_SIGNIFICANCE = 20;
  private static final double PURE_SIGNIFICANCE = 7;
  private static final double FAR_OFF = 5;
  private static final int LEAST_OF_A_BIN = 200;

  /**
   * Stars of one kind, within a range of true magnitudes.
   *
   * @param from brightest magnitude
   * @param to faintest magnitude
   * @param number of true stars
   * @param completeness share of those that were found
   * @param purity share of the measured stars of this kind, of such magnitude and above S/N 5, that
   *     a true star explains
   * @param bias median of (flux - truth) / truth, in %
   * @param scatter robust width of (flux - truth) / bound of the star alone
   * @param jointScatter robust width of (flux - truth) / bound with neighbours fitted too
   * @param pull median of (flux - truth) / flux_err
   * @param pullWidth robust width of (flux - truth) / flux_err
   * @param farOff share that is off by more than 5 flux_err
   * @param farOffUnwarned how many of those carry no flag that warns
   * @param position root of the mean square error of x and y over its bound, robust
   */
  public record Row(
      double from,
      double to,
      int number,
      double completeness,
      double purity,
      double bias,
      double scatter,
      double jointScatter,
      double pull,
      double pullWidth,
      double farOff,
      int farOffUnwarned,
      double position) {}

  /**
   * Saturated stars.
   *
   * @param number of true ones
   * @param found share of those
   * @param flagged share of the found ones whose flags say saturated
   * @param bias median of (flux - truth) / truth, in %
   * @param median median of |flux - truth| / truth, in %
   * @param within share of the found ones with the flux right to 2 %
   */
  public record Saturated(
      int number, double found, double flagged, double bias, double median, double within) {}

  static Accuracy of(AccuracyField field) {
    List<TrueStar> found = field.trueStars().stream().filter(TrueStar::isFound).toList();
    List<TrueStar> wrong =
        found.stream()
            .filter(star -> Math.abs(star.pull()) > FAR_OFF && !star.measured().isWarned())
            .toList();
    List<Detection> clear =
        field.detections().stream().filter(d -> d.significance() > PURE_SIGNIFICANCE).toList();
    return new Accuracy(
        field.stars(),
        rows(field, Crowding.ISOLATED),
        rows(field, Crowding.CROWDED),
        field.commonFactor(),
        100
            * median(
                of(field, Crowding.ISOLATED)
                    .filter(s -> s.isFound() && s.significance() < FAINT_SIGNIFICANCE),
                TrueStar::fluxResidual),
        share(clear, Detection::isTrue),
        (int) clear.stream().filter(d -> !d.isTrue()).count(),
        (int) clear.stream().filter(d -> !d.isTrue() && d.nearBadPixel()).count(),
        (double) wrong.size() / found.size(),
        (int) wrong.stream().filter(TrueStar::nearBadPixel).count(),
        share(found, star -> star.measured().isWarned()),
        saturated(field.trueStars().stream().filter(TrueStar::saturating).toList()),
        field.cpuSeconds());
  }

  private static Stream<TrueStar> of(AccuracyField field, Crowding crowding) {
    return field.trueStars().stream()
        .filter(
            star ->
                star.crowding() == crowding
                    && !star.saturated()
                    && star.significance() > LEAST_SIGNIFICANCE);
  }

  private static List<Row> rows(AccuracyField field, Crowding crowding) {
    List<TrueStar> stars =
        of(field, crowding).sorted(Comparator.comparingDouble(TrueStar::mag)).toList();
    List<Detection> detections =
        field.detections().stream()
            .filter(d -> d.crowding() == crowding && d.significance() > LEAST_SIGNIFICANCE)
            .toList();
    List<Row> rows = new ArrayList<>();
    if (stars.isEmpty()) {
      return rows;
    }
    rows.add(
        row(
            stars,
            detections,
            Math.floor(stars.get(0).mag()),
            Math.ceil(stars.get(stars.size() - 1).mag())));
    for (List<TrueStar> bin : byMagnitude(stars)) {
      double from = Math.floor(bin.get(0).mag());
      double to = Math.floor(bin.get(bin.size() - 1).mag()) + 1;
      rows.add(row(bin, detections, from, to));
    }
    return rows;
  }

  /** Whole magnitudes; bins of fewer than 200 stars join the next, a last one the one before. */
  static List<List<TrueStar>> byMagnitude(List<TrueStar> sorted) {
    List<List<TrueStar>> bins = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= sorted.size(); i++) {
      boolean last = i == sorted.size();
      boolean next =
          !last
              && Math.floor(sorted.get(i).mag()) > Math.floor(sorted.get(i - 1).mag())
              && i - from >= LEAST_OF_A_BIN
              && sorted.size() - i >= LEAST_OF_A_BIN;
      if (last || next) {
        bins.add(sorted.subList(from, i));
        from = i;
      }
    }
    return bins;
  }

  private static Row row(List<TrueStar> stars, List<Detection> detections, double from, double to) {
    List<TrueStar> found = stars.stream().filter(TrueStar::isFound).toList();
    List<TrueStar> farOff = found.stream().filter(star -> Math.abs(star.pull()) > FAR_OFF).toList();
    double[] pulls = values(found.stream(), TrueStar::pull);
    return new Row(
        from,
        to,
        stars.size(),
        (double) found.size() / stars.size(),
        share(
            detections.stream().filter(d -> d.mag() >= from && d.mag() < to).toList(),
            Detection::isTrue),
        100 * median(found.stream(), TrueStar::fluxResidual),
        Robust.width(values(found.stream(), s -> (s.measured().flux() - s.flux()) / s.bound())),
        Robust.width(
            values(found.stream(), s -> (s.measured().flux() - s.flux()) / s.jointBound())),
        Robust.median(pulls),
        Robust.width(pulls),
        share(found, star -> Math.abs(star.pull()) > FAR_OFF),
        (int) farOff.stream().filter(star -> !star.measured().isWarned()).count(),
        // Half of all distances are below sqrt(2 ln 2) standard deviations of one axis.
        median(found.stream(), TrueStar::positionError) / Math.sqrt(Math.log(2)));
  }

  private static Saturated saturated(List<TrueStar> stars) {
    List<TrueStar> found = stars.stream().filter(TrueStar::isFound).toList();
    return new Saturated(
        stars.size(),
        (double) found.size() / stars.size(),
        share(found, star -> (star.measured().flags() & PixelFlag.SATURATED) != 0),
        100 * median(found.stream(), TrueStar::fluxResidual),
        100 * median(found.stream(), star -> Math.abs(star.fluxResidual())),
        share(found, star -> Math.abs(star.fluxResidual()) <= 0.02));
  }

  private static <T> double share(List<T> all, Predicate<T> which) {
    return (double) all.stream().filter(which).count() / all.size();
  }

  private static double[] values(Stream<TrueStar> stars, ToDoubleFunction<TrueStar> quantity) {
    return stars.mapToDouble(quantity).toArray();
  }

  private static double median(Stream<TrueStar> stars, ToDoubleFunction<TrueStar> quantity) {
    return Robust.median(values(stars, quantity));
  }
}
