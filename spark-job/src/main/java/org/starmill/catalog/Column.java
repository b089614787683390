package org.starmill.catalog;

import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;

/**
 * A column of a table: the one place for its name, type, unit and meaning.
 *
 * @param name as in every file
 * @param kind type of its values
 * @param nullable whether a value may be absent; NaN is written as absent, in arrays as well
 * @param unit empty where it has none
 * @param comment what it says
 */
public record Column(String name, Kind kind, boolean nullable, String unit, String comment) {

  /** Types of values, as Spark and Parquet have them. */
  public enum Kind {
    LONG(PrimitiveTypeName.INT64, null, DataTypes.LongType),
    INT(PrimitiveTypeName.INT32, null, DataTypes.IntegerType),
    BYTE(PrimitiveTypeName.INT32, LogicalTypeAnnotation.intType(8, true), DataTypes.ByteType),
    FLOAT(PrimitiveTypeName.FLOAT, null, DataTypes.FloatType),
    DOUBLE(PrimitiveTypeName.DOUBLE, null, DataTypes.DoubleType),
    TEXT(PrimitiveTypeName.BINARY, LogicalTypeAnnotation.stringType(), DataTypes.StringType),
    DOUBLES(PrimitiveTypeName.DOUBLE, null, DataTypes.createArrayType(DataTypes.DoubleType, true));

    private final PrimitiveTypeName parquet;
    private final LogicalTypeAnnotation annotation;
    private final DataType spark;

    Kind(PrimitiveTypeName parquet, LogicalTypeAnnotation annotation, DataType spark) {
      this.parquet = parquet;
      this.annotation = annotation;
      this.spark = spark;
    }
  }

  Type parquetType() {
    Type.Repetition repetition = nullable ? Type.Repetition.OPTIONAL : Type.Repetition.REQUIRED;
    if (kind == Kind.DOUBLES) {
      return Types.list(repetition).optionalElement(kind.parquet).named(name);
    }
    return Types.primitive(kind.parquet, repetition).as(kind.annotation).named(name);
  }

  StructField sparkField() {
    return DataTypes.createStructField(
        name,
        kind.spark,
        nullable,
        new MetadataBuilder().putString("unit", unit).putString("comment", comment).build());
  }
}
