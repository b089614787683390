package org.starmill.campaign;

import java.io.Serializable;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.starmill.instrument.ImageType;
import org.starmill.masters.Amplifier;

/**
 * A frame of the plan: where it stands and what its header says it is.
 *
 * @param exposureId its number in the campaign, from 0
 * @param path of the file, with scheme
 * @param hdu number of the HDU in the file, from 0; -1 where the file could not be read
 * @param fileLength bytes
 * @param type what it is a picture of; null where that cannot be told
 * @param night of the observation, as 2024-05-12, or "unknown"; null without a type
 * @param ccd name of the detector; null without a type
 * @param quadrant of the detector; null without a type
 * @param filter name of the filter, or "none"; null without a type
 * @param width columns of the part that saw light; 0 where the frame could not be read
 * @param height rows of it
 * @param mjd start of the exposure, UTC; null where not known
 * @param exptime seconds; null where not known
 * @param withoutOverscan why the frame has no overscan section, as "BIASSEC is '[a:b]'"; null where
 *     it has one
 * @param reason why the frame cannot be used; null where nothing is known against it
 * @param field name of the field or object, empty where no keyword says; null without a type
 * @param ra right ascension of its centre, ICRS, degrees; null without a WCS
 * @param dec declination
 */
public record PlannedFrame(
    long exposureId,
    String path,
    int hdu,
    long fileLength,
    ImageType type,
    String night,
    String ccd,
    String quadrant,
    String filter,
    int width,
    int height,
    Double mjd,
    Double exptime,
    String withoutOverscan,
    String reason,
    String field,
    Double ra,
    Double dec)
    implements Serializable {

  static final StructType SCHEMA =
      new StructType()
          .add("exposure_id", DataTypes.LongType, false)
          .add("path", DataTypes.StringType, false)
          .add("hdu", DataTypes.IntegerType, false)
          .add("file_length", DataTypes.LongType, false)
          .add("image_type", DataTypes.StringType, true)
          .add("night", DataTypes.StringType, true)
          .add("ccd", DataTypes.StringType, true)
          .add("quadrant", DataTypes.StringType, true)
          .add("filter", DataTypes.StringType, true)
          .add("width", DataTypes.IntegerType, false)
          .add("height", DataTypes.IntegerType, false)
          .add("mjd", DataTypes.DoubleType, true)
          .add("exptime", DataTypes.DoubleType, true)
          .add("without_overscan", DataTypes.StringType, true)
          .add("reason", DataTypes.StringType, true)
          .add("field", DataTypes.StringType, true)
          .add("ra", DataTypes.DoubleType, true)
          .add("dec", DataTypes.DoubleType, true);

  static PlannedFrame of(Row row) {
    return new PlannedFrame(
        row.getLong(0),
        row.getString(1),
        row.getInt(2),
        row.getLong(3),
        row.isNullAt(4) ? null : ImageType.valueOf(row.getString(4).toUpperCase(Locale.ROOT)),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        row.getString(8),
        row.getInt(9),
        row.getInt(10),
        row.isNullAt(11) ? null : row.getDouble(11),
        row.isNullAt(12) ? null : row.getDouble(12),
        row.getString(13),
        row.getString(14),
        row.getString(15),
        row.isNullAt(16) ? null : row.getDouble(16),
        row.isNullAt(17) ? null : row.getDouble(17));
  }

  Row toRow() {
    return RowFactory.create(
        exposureId,
        path,
        hdu,
        fileLength,
        type == null ? null : type.word(),
        night,
        ccd,
        quadrant,
        filter,
        width,
        height,
        mjd,
        exptime,
        withoutOverscan,
        reason,
        field,
        ra,
        dec);
  }

  PlannedFrame withExposureId(long id) {
    return new PlannedFrame(
        id,
        path,
        hdu,
        fileLength,
        type,
        night,
        ccd,
        quadrant,
        filter,
        width,
        height,
        mjd,
        exptime,
        withoutOverscan,
        reason,
        field,
        ra,
        dec);
  }

  /** What read it out. */
  Amplifier amplifier() {
    return new Amplifier(ccd, quadrant, width, height, withoutOverscan == null);
  }

  /** Whether it is to be measured. */
  boolean isScience() {
    return reason == null && type == ImageType.SCIENCE;
  }

  /** Its name for people: the path, and the HDU where it is not the primary one. */
  String label() {
    return hdu > 0 ? path + "[" + hdu + "]" : path;
  }
}
