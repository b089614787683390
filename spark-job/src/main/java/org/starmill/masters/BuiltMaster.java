package org.starmill.masters;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A row of the table of masters: what a master was built of, or why it could not be.
 *
 * @param identity its name, a hash of all that it depends on
 * @param kind bias or flat
 * @param night that its frames are of; null where they are of several, or it is not known
 * @param amplifier that read them
 * @param filter of a flat; null for a bias
 * @param bias identity of the bias that a flat's frames were freed of; null for a bias
 * @param path of its file; null where it could not be built
 * @param frames exposure ids of the frames used
 * @param rejected exposure ids of the frames not used
 * @param rejectedReasons why, in the same order
 * @param readNoise ADU; NaN for a flat
 * @param reason why it could not be built; null where it was
 */
public record BuiltMaster(
    String identity,
    MasterKind kind,
    String night,
    Amplifier amplifier,
    String filter,
    String bias,
    String path,
    List<Long> frames,
    List<Long> rejected,
    List<String> rejectedReasons,
    double readNoise,
    String reason)
    implements Serializable {

  /** Columns of {@code masters.parquet}. */
  public static final StructType SCHEMA =
      new StructType()
          .add("master_id", DataTypes.StringType, false)
          .add("kind", DataTypes.StringType, false)
          .add("night", DataTypes.StringType, true)
          .add("ccd", DataTypes.StringType, true)
          .add("quadrant", DataTypes.StringType, true)
          .add("width", DataTypes.IntegerType, false)
          .add("height", DataTypes.IntegerType, false)
          .add("filter", DataTypes.StringType, true)
          .add("bias_master_id", DataTypes.StringType, true)
          .add("path", DataTypes.StringType, true)
          .add("frames", DataTypes.createArrayType(DataTypes.LongType), false)
          .add("rejected", DataTypes.createArrayType(DataTypes.LongType), false)
          .add("rejected_reasons", DataTypes.createArrayType(DataTypes.StringType), false)
          .add("read_noise", DataTypes.DoubleType, true)
          .add("reason", DataTypes.StringType, true)
          .add("overscan", DataTypes.BooleanType, false);

  /** A master that was built. */
  static BuiltMaster of(
      MasterGroup group,
      String identity,
      String biasIdentity,
      String path,
      List<Long> frames,
      List<Long> rejected,
      List<String> rejectedReasons,
      double readNoise) {
    return new BuiltMaster(
        identity,
        group.kind(),
        group.night(),
        group.amplifier(),
        group.filter(),
        biasIdentity,
        path,
        frames,
        rejected,
        rejectedReasons,
        readNoise,
        null);
  }

  /** A master that could not be built: all of its frames are left out, for the same reason. */
  static BuiltMaster failed(
      MasterGroup group, String identity, String biasIdentity, String reason) {
    List<Long> frames = group.frames().stream().map(CalibrationFrame::exposureId).toList();
    return new BuiltMaster(
        identity,
        group.kind(),
        group.night(),
        group.amplifier(),
        group.filter(),
        biasIdentity,
        null,
        List.of(),
        frames,
        frames.stream().map(frame -> reason).toList(),
        Double.NaN,
        reason);
  }

  /** As a row of {@link #SCHEMA}. */
  public Row toRow() {
    return RowFactory.create(
        identity,
        kind.name().toLowerCase(Locale.ROOT),
        night,
        amplifier.ccd(),
        amplifier.quadrant(),
        amplifier.width(),
        amplifier.height(),
        filter,
        bias,
        path,
        frames.toArray(),
        rejected.toArray(),
        rejectedReasons.toArray(),
        Double.isNaN(readNoise) ? null : readNoise,
        reason,
        amplifier.overscan());
  }

  /** Of a row of {@link #SCHEMA}. */
  public static BuiltMaster of(Row row) {
    return new BuiltMaster(
        row.getString(0),
        MasterKind.valueOf(row.getString(1).toUpperCase(Locale.ROOT)),
        row.getString(2),
        new Amplifier(
            row.getString(3), row.getString(4), row.getInt(5), row.getInt(6), row.getBoolean(15)),
        row.getString(7),
        row.getString(8),
        row.getString(9),
        List.copyOf(row.<Long>getList(10)),
        List.copyOf(row.<Long>getList(11)),
        List.copyOf(row.<String>getList(12)),
        row.isNullAt(13) ? Double.NaN : row.getDouble(13),
        row.getString(14));
  }
}
