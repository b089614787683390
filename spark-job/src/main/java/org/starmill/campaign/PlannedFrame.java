package org.starmill.campaign;

import java.io.Serializable;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A frame of the plan: where it stands and what its header says it is.
 *
 * @param exposureId its number in the campaign, from 0
 * @param path of the file, with scheme
 * @param hdu number of the HDU in the file, from 0; -1 where the file could not be read
 * @param fileLength bytes
 * @param kind what the frame shows; null where it could not be read
 * @param night of the observation, as 2024-05-12; null where not known
 * @param ccd name of the detector
 * @param quadrant of the detector
 * @param filter name of the filter; null where there is none
 * @param width columns of the part that saw light
 * @param height rows of it
 * @param mjd middle of the exposure, UTC; null where not known
 * @param exptime seconds; null where not known
 * @param reason why the frame cannot be used; null where nothing is known against it
 */
public record PlannedFrame(
    long exposureId,
    String path,
    int hdu,
    long fileLength,
    Kind kind,
    String night,
    String ccd,
    String quadrant,
    String filter,
    int width,
    int height,
    Double mjd,
    Double exptime,
    String reason)
    implements Serializable {

  /** What a frame shows. */
  public enum Kind {
    BIAS,
    DARK,
    FLAT,
    SCIENCE,
    UNKNOWN
  }

  static final StructType SCHEMA =
      new StructType()
          .add("exposure_id", DataTypes.LongType, false)
          .add("path", DataTypes.StringType, false)
          .add("hdu", DataTypes.IntegerType, false)
          .add("file_length", DataTypes.LongType, false)
          .add("kind", DataTypes.StringType, true)
          .add("night", DataTypes.StringType, true)
          .add("ccd", DataTypes.StringType, true)
          .add("quadrant", DataTypes.StringType, true)
          .add("filter", DataTypes.StringType, true)
          .add("width", DataTypes.IntegerType, false)
          .add("height", DataTypes.IntegerType, false)
          .add("mjd", DataTypes.DoubleType, true)
          .add("exptime", DataTypes.DoubleType, true)
          .add("reason", DataTypes.StringType, true);

  static PlannedFrame of(Row row) {
    return new PlannedFrame(
        row.getLong(0),
        row.getString(1),
        row.getInt(2),
        row.getLong(3),
        row.isNullAt(4) ? null : Kind.valueOf(row.getString(4).toUpperCase(java.util.Locale.ROOT)),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        row.getString(8),
        row.getInt(9),
        row.getInt(10),
        row.isNullAt(11) ? null : row.getDouble(11),
        row.isNullAt(12) ? null : row.getDouble(12),
        row.getString(13));
  }

  Row toRow() {
    return RowFactory.create(
        exposureId,
        path,
        hdu,
        fileLength,
        kind == null ? null : kind.name().toLowerCase(java.util.Locale.ROOT),
        night,
        ccd,
        quadrant,
        filter,
        width,
        height,
        mjd,
        exptime,
        reason);
  }

  PlannedFrame withExposureId(long id) {
    return new PlannedFrame(
        id, path, hdu, fileLength, kind, night, ccd, quadrant, filter, width, height, mjd, exptime,
        reason);
  }

  /** Whether it is to be measured. */
  boolean isScience() {
    return reason == null && kind == Kind.SCIENCE;
  }

  /** Its name for people: the path, and the HDU where it is not the primary one. */
  String label() {
    return hdu > 0 ? path + "[" + hdu + "]" : path;
  }
}
