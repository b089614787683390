package org.starmill.campaign;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Foretells what an image costs: from its pixels and from the stars that are expected on it.
 *
 * <p>The stars are those of earlier images of the same field, detector and filter where there are
 * any, in this campaign or an earlier one; else what the galactic latitude lets expect, on the
 * scale of the images counted so far; else an average number. Holds a number for each field,
 * detector and filter, at most {@link #MOST}.
 */
final class StarsExpected {
  /** Fields, detectors and filters whose stars are remembered. */
  private static final int MOST = 200_000;

  /**
   * Pixels that cost as much as a star: of 3072 x 3080 pixels with 19,000 and 50,000 stars the time
   * was 1.6 and 2.9 s.
   */
  static final double PIXELS_A_STAR = 500;

  /** What a frame costs that is not measured, in pixels: opening its file. */
  static final double UNMEASURED = 100_000;

  /**
   * What is worth a task, in pixels: they take a tenth of a second; a task, its file of stars and
   * what becomes of that in a commit take some 10 ms.
   */
  static final double WORTH_A_TASK = 1_000_000;

  /** Stars a pixel at the galactic poles and, on top, in the plane, and how it falls off. */
  private static final double AT_POLES = 5e-4;

  private static final double IN_PLANE = 1.4e-2;
  private static final double DEGREES = 10;

  /** The same where the latitude is not known. */
  private static final double ANYWHERE = 2e-3;

  /** The north galactic pole, ICRS, degrees (ESA 1997, The Hipparcos Catalogue, 1.5.3). */
  private static final double POLE_RA = 192.85948;

  private static final double POLE_DEC = 27.12825;

  private record Place(String field, String ccd, String quadrant, String filter) {}

  private static final class Mean {
    private double sum;
    private long number;

    private void add(double stars, long images) {
      sum += stars * images;
      number += images;
    }

    private double value() {
      return sum / number;
    }
  }

  private final Map<Place, Mean> counted =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Place, Mean> eldest) {
          return size() > MOST;
        }
      };

  private double found;
  private double byLatitude;

  /** Learns from the images of a campaign that have their rows. */
  void learn(SparkSession spark, Campaign campaign) {
    if (!campaign.hasRows(campaign.exposures())) {
      return;
    }
    for (Row row :
        new Ledger(campaign, "none")
            .exposures(spark)
            .filter("n_stars >= 0 and field <> '' and status in ('ok', 'partial')")
            .groupBy("field", "ccd", "quadrant", "filter")
            .agg(avg("n_stars").as("stars"), count(lit(1)).as("images"))
            .orderBy(col("images").desc())
            .limit(MOST)
            .collectAsList()) {
      counted
          .computeIfAbsent(
              new Place(row.getString(0), row.getString(1), row.getString(2), row.getString(3)),
              place -> new Mean())
          .add(row.getDouble(4), row.getLong(5));
    }
  }

  /** Learns from an image that was measured. */
  void learn(PlannedFrame frame, int stars) {
    if (frame.field() != null && !frame.field().isEmpty()) {
      counted.computeIfAbsent(place(frame), place -> new Mean()).add(stars, 1);
    }
    if (frame.ra() != null) {
      found += stars;
      byLatitude += pixels(frame) * density(galacticLatitude(frame.ra(), frame.dec()));
    }
  }

  /** What dealing with a frame costs, in pixels that are measured. */
  double cost(WorkItem item) {
    return item.reason() != null
        ? UNMEASURED
        : pixels(item.frame()) + PIXELS_A_STAR * stars(item.frame());
  }

  /** How many stars are expected on an image. */
  double stars(PlannedFrame frame) {
    Mean known = frame.field() == null ? null : counted.get(place(frame));
    if (known != null) {
      return known.value();
    }
    if (frame.ra() == null) {
      return pixels(frame) * ANYWHERE;
    }
    double scale = byLatitude > 0 ? found / byLatitude : 1;
    return scale * pixels(frame) * density(galacticLatitude(frame.ra(), frame.dec()));
  }

  private static Place place(PlannedFrame frame) {
    return new Place(frame.field(), frame.ccd(), frame.quadrant(), frame.filter());
  }

  private static double pixels(PlannedFrame frame) {
    return (double) frame.width() * frame.height();
  }

  /** How many stars are expected on so many pixels by the place alone; null where not known. */
  static double stars(double pixels, Double ra, Double dec) {
    return pixels * (ra == null ? ANYWHERE : density(galacticLatitude(ra, dec)));
  }

  /** Stars a pixel: a rough course, thirty times as many in the plane as at the poles. */
  private static double density(double latitude) {
    return AT_POLES + IN_PLANE * Math.exp(-Math.abs(latitude) / DEGREES);
  }

  /** Degrees from the plane of the Galaxy. */
  static double galacticLatitude(double ra, double dec) {
    double delta = Math.toRadians(dec);
    double pole = Math.toRadians(POLE_DEC);
    return Math.toDegrees(
        Math.asin(
            Math.sin(delta) * Math.sin(pole)
                + Math.cos(delta)
                    * Math.cos(pole)
                    * Math.cos(Math.toRadians(ra) - Math.toRadians(POLE_RA))));
  }
}
