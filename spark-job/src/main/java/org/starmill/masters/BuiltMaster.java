package org.starmill.masters;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.starmill.calibrate.Master;

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
 * @param used the frames it is built of
 * @param leftOut the frames that were not used
 * @param figures what it is like; null where it could not be built, and of a master of a version of
 *     Starmill that did not say
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
    List<UsedFrame> used,
    List<FrameLeftOut> leftOut,
    MasterFigures figures,
    String reason)
    implements Serializable {

  /**
   * A frame that went into a master.
   *
   * @param exposureId its number in the campaign
   * @param file its path, with the HDU in brackets where it is not the primary one
   * @param level median, ADU after overscan subtraction, of a flat also less the bias
   * @param clipped number of its values that were clipped
   */
  public record UsedFrame(long exposureId, String file, double level, long clipped)
      implements Serializable {}

  /**
   * A frame that did not.
   *
   * @param exposureId its number in the campaign
   * @param file its path, with the HDU in brackets where it is not the primary one
   * @param reason why: a code, a colon, the details
   */
  public record FrameLeftOut(long exposureId, String file, String reason) implements Serializable {}

  private static final DataType TEXTS = DataTypes.createArrayType(DataTypes.StringType);

  /** Columns of {@code masters.parquet} that a comparison with the night before fills. */
  public static final StructType COMPARISON =
      new StructType()
          .add("previous_master_id", DataTypes.StringType, true)
          .add("previous_night", DataTypes.StringType, true)
          .add("change_level", DataTypes.DoubleType, true)
          .add("change_shape", DataTypes.DoubleType, true)
          .add("change_scatter", DataTypes.DoubleType, true)
          .add("changed_share", DataTypes.DoubleType, true)
          .add("warning", DataTypes.StringType, true);

  /** Columns of {@code masters.parquet}. */
  public static final StructType SCHEMA = schema();

  private static StructType schema() {
    StructType schema =
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
            .add("rejected_reasons", TEXTS, false)
            .add("read_noise", DataTypes.DoubleType, true)
            .add("reason", DataTypes.StringType, true)
            .add("overscan", DataTypes.BooleanType, false)
            .add("n_frames", DataTypes.IntegerType, true)
            .add("n_rejected", DataTypes.IntegerType, true)
            .add("frame_files", TEXTS, true)
            .add("frame_levels", DataTypes.createArrayType(DataTypes.DoubleType), true)
            .add("frame_clipped", DataTypes.createArrayType(DataTypes.LongType), true)
            .add("rejected_files", TEXTS, true)
            .add("level", DataTypes.DoubleType, true)
            .add("noise", DataTypes.DoubleType, true)
            .add("n_clipped", DataTypes.LongType, true)
            .add("n_empty", DataTypes.LongType, true)
            .add("mjd_first", DataTypes.DoubleType, true)
            .add("mjd_mean", DataTypes.DoubleType, true)
            .add("mjd_last", DataTypes.DoubleType, true)
            .add("built", DataTypes.StringType, true);
    for (var column : COMPARISON.fields()) {
      schema = schema.add(column);
    }
    return schema;
  }

  public BuiltMaster {
    used = List.copyOf(used);
    leftOut = List.copyOf(leftOut);
  }

  /** A master that was built. */
  static BuiltMaster of(
      MasterGroup group,
      String identity,
      String biasIdentity,
      String path,
      Master master,
      List<CalibrationFrame> used,
      Map<CalibrationFrame, String> rejected) {
    List<UsedFrame> frames = new ArrayList<>();
    for (int i = 0; i < used.size(); i++) {
      Master.FrameShare share = master.shares().get(i);
      CalibrationFrame frame = used.get(i);
      frames.add(new UsedFrame(frame.exposureId(), frame.label(), share.level(), share.clipped()));
    }
    return new BuiltMaster(
        identity,
        group.kind(),
        group.night(),
        group.amplifier(),
        group.filter(),
        biasIdentity,
        path,
        frames,
        rejected.entrySet().stream()
            .map(
                left ->
                    new FrameLeftOut(
                        left.getKey().exposureId(), left.getKey().label(), left.getValue()))
            .toList(),
        MasterFigures.of(master, used),
        null);
  }

  /** A master that could not be built: all of its frames are left out, for the same reason. */
  static BuiltMaster failed(
      MasterGroup group, String identity, String biasIdentity, String reason) {
    return new BuiltMaster(
        identity,
        group.kind(),
        group.night(),
        group.amplifier(),
        group.filter(),
        biasIdentity,
        null,
        List.of(),
        group.frames().stream()
            .map(frame -> new FrameLeftOut(frame.exposureId(), frame.label(), reason))
            .toList(),
        null,
        reason);
  }

  /** As a row of {@link #SCHEMA}, without a comparison. */
  public Row toRow() {
    MasterFigures of = figures == null ? MasterFigures.UNKNOWN : figures;
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
        used.stream().map(UsedFrame::exposureId).toArray(),
        leftOut.stream().map(FrameLeftOut::exposureId).toArray(),
        leftOut.stream().map(FrameLeftOut::reason).toArray(),
        orNull(of.readNoise()),
        reason,
        amplifier.overscan(),
        used.size(),
        leftOut.size(),
        used.stream().map(UsedFrame::file).toArray(),
        used.stream().map(UsedFrame::level).toArray(),
        used.stream().map(UsedFrame::clipped).toArray(),
        leftOut.stream().map(FrameLeftOut::file).toArray(),
        orNull(of.level()),
        orNull(of.noise()),
        figures == null ? null : of.clipped(),
        figures == null ? null : of.empty(),
        orNull(of.mjdFirst()),
        orNull(of.mjdMean()),
        orNull(of.mjdLast()),
        of.built(),
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }

  /** A number for a column that may be null; null where there is none. */
  static Double orNull(double number) {
    return Double.isFinite(number) ? number : null;
  }
}
