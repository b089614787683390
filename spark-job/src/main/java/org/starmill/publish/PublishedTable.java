package org.starmill.publish;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.starmill.catalog.CatalogTable;

/**
 * The columns of a published catalog: a row a star of an image.
 *
 * <p>{@link #INDEX} first, then those of {@link CatalogTable#SOURCES}, then three that say of which
 * image: the campaign, without which {@code exposure_id} and {@code source_id} are ambiguous, and
 * filter and time, without which a magnitude says little.
 */
final class PublishedTable {
  /** Pixel of order 29, nested; rows are sorted by it. */
  static final String INDEX = "_healpix_29";

  static final String CAMPAIGN = "campaign";

  /** What rows are sorted by; no two have the same. */
  static final List<String> SORTED_BY = List.of(INDEX, CAMPAIGN, "source_id");

  private PublishedTable() {}

  static StructType spark(int apertures) {
    List<StructField> fields = new ArrayList<>();
    fields.add(
        field(INDEX, DataTypes.LongType, false, "", "HEALPix pixel of order 29, nested scheme"));
    fields.addAll(Arrays.asList(CatalogTable.SOURCES.sparkSchema(apertures).fields()));
    fields.add(
        field(CAMPAIGN, DataTypes.StringType, false, "", "campaign the image was reduced in"));
    fields.add(field("filter", DataTypes.StringType, true, "", "filter of the image"));
    fields.add(field("mjd", DataTypes.DoubleType, true, "d", "start of the exposure, MJD, UTC"));
    return DataTypes.createStructType(fields);
  }

  private static StructField field(
      String name, DataType type, boolean nullable, String unit, String comment) {
    return DataTypes.createStructField(
        name,
        type,
        nullable,
        new MetadataBuilder().putString("unit", unit).putString("comment", comment).build());
  }

  static MessageType parquet(int apertures) {
    List<Type> fields = new ArrayList<>();
    fields.add(Types.required(PrimitiveTypeName.INT64).named(INDEX));
    fields.addAll(CatalogTable.SOURCES.parquetSchema(apertures).getFields());
    LogicalTypeAnnotation text = LogicalTypeAnnotation.stringType();
    fields.add(Types.required(PrimitiveTypeName.BINARY).as(text).named(CAMPAIGN));
    fields.add(Types.optional(PrimitiveTypeName.BINARY).as(text).named("filter"));
    fields.add(Types.optional(PrimitiveTypeName.DOUBLE).named("mjd"));
    return new MessageType("spark_schema", fields);
  }

  /** What stands in the footer of every file: the columns with units and meanings. */
  static Map<String, String> footer(int apertures) {
    return Map.of(CatalogTable.SPARK_SCHEMA_KEY, spark(apertures).json());
  }
}
