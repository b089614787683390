package org.starmill.masters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.starmill.calibrate.Master;
import org.starmill.calibrate.MasterChange;
import org.starmill.calibrate.MasterComparison;
import org.starmill.config.CampaignConfig;
import org.starmill.image.ImageRejected;

/**
 * How a new master differs from that of the night before, and what of it is beyond the limits.
 *
 * <p>Both are read from their files, through the cache of this JVM. A warning says in one line what
 * was found where, what was expected, and what helps.
 *
 * @param identity of the new master
 * @param previous identity of the earlier one
 * @param previousNight night of the earlier one
 * @param change null where one of them could not be read
 * @param warning null where there is none
 */
public record MasterChecked(
    String identity, String previous, String previousNight, MasterChange change, String warning) {

  /** Compares two masters and holds the change against the limits. */
  public static MasterChecked of(
      MasterPair pair, CampaignConfig.MasterLimits limits, Configuration hadoop) {
    MasterChange change;
    try {
      Master earlier = MasterCache.OF_THIS_JVM.get(pair.previousPath(), hadoop);
      Master later = MasterCache.OF_THIS_JVM.get(pair.path(), hadoop);
      change =
          pair.kind() == MasterKind.BIAS
              ? MasterComparison.ofBiases(later, earlier)
              : MasterComparison.ofFlats(later, earlier);
    } catch (ImageRejected unreadable) {
      return new MasterChecked(
          pair.identity(),
          pair.previous(),
          pair.previousNight(),
          null,
          "%s, %s: could not be compared with that of %s: %s"
              .formatted(
                  pair.label(), pair.night(), pair.previousNight(), unreadable.getMessage()));
    }
    return new MasterChecked(
        pair.identity(),
        pair.previous(),
        pair.previousNight(),
        change,
        warning(pair, change, limits));
  }

  /** Says what of a change is beyond the limits; null where nothing is. */
  static String warning(MasterPair pair, MasterChange change, CampaignConfig.MasterLimits limits) {
    boolean bias = pair.kind() == MasterKind.BIAS;
    double most = bias ? limits.biasLevel() : limits.flatLevel();
    String unit = bias ? "ADU" : "of the median response";
    String key = bias ? "masters.warn-bias-level" : "masters.warn-flat-level";
    List<String> found = new ArrayList<>();
    if (Math.abs(change.level()) > most) {
      found.add(
          "its level is %s %s %s, at most %s may be (%s)"
              .formatted(
                  number(Math.abs(change.level())),
                  unit,
                  change.level() > 0 ? "higher" : "lower",
                  number(most),
                  key));
    }
    if (change.shape() > most) {
      found.add(
          "a part of it has changed by %s %s against the whole, at most %s may be (%s)"
              .formatted(number(change.shape()), unit, number(most), key));
    }
    if (change.scatter() > limits.scatter()) {
      found.add(
          "its pixels have changed by %s times what their errors expect, at most %s may be (masters.warn-scatter)"
              .formatted(number(change.scatter()), number(limits.scatter())));
    }
    if (change.share() > limits.changedPixels()) {
      found.add(
          "%s %% of its pixels have changed by more than five sigma, at most %s %% may (masters.warn-changed-pixels)"
              .formatted(number(100 * change.share()), number(100 * limits.changedPixels())));
    }
    return found.isEmpty()
        ? null
        : "%s, %s (%s), against that of %s (%s): %s; look at both, leave out frames that are not as they should be, or raise the limit"
            .formatted(
                pair.label(),
                pair.night(),
                pair.path(),
                pair.previousNight(),
                pair.previousPath(),
                String.join("; ", found));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }

  /** Of the columns of {@link #toRow}. */
  public static MasterChecked of(Row row) {
    return new MasterChecked(
        row.getAs("master_id"),
        row.getAs("previous_master_id"),
        row.getAs("previous_night"),
        new MasterChange(
            number(row, "change_level"),
            number(row, "change_shape"),
            number(row, "change_scatter"),
            number(row, "changed_share")),
        row.getAs("warning"));
  }

  private static double number(Row row, String column) {
    Double number = row.getAs(column);
    return number == null ? Double.NaN : number;
  }

  /** The identity, and the columns of {@link BuiltMaster#COMPARISON}. */
  public Row toRow() {
    return RowFactory.create(
        identity,
        previous,
        previousNight,
        change == null ? null : BuiltMaster.orNull(change.level()),
        change == null ? null : BuiltMaster.orNull(change.shape()),
        change == null ? null : BuiltMaster.orNull(change.scatter()),
        change == null ? null : BuiltMaster.orNull(change.share()),
        warning);
  }

  /** Adds itself to the header of the new master's file. */
  public void addTo(String path, MasterKind kind, Configuration hadoop) throws IOException {
    MasterFile.addChange(path, kind, this, hadoop);
  }
}
