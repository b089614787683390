package org.starmill.publish;

import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Writes rows of a published catalog to a Parquet file. */
final class PixelFile implements Closeable {
  private static final long ROW_GROUP_BYTES = 128L << 20;

  private final ParquetWriter<Row> writer;

  /** Opens the file, replacing one that is there. */
  PixelFile(Path file, Configuration hadoop, int apertures) throws IOException {
    Builder builder =
        new Builder(HadoopOutputFile.fromPath(file, hadoop), new Columns(apertures))
            .withConf(hadoop)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withRowGroupSize(ROW_GROUP_BYTES);
    for (StructField field : PublishedTable.spark(apertures).fields()) {
      // Measured numbers hardly repeat; times do, all stars of an image have the same.
      boolean measured =
          field.dataType().equals(DataTypes.FloatType)
              || field.name().equals("ra")
              || field.name().equals("dec")
              || field.name().equals("source_id")
              || field.name().equals(PublishedTable.INDEX);
      builder.withDictionaryEncoding(field.name(), !measured);
    }
    writer = builder.build();
  }

  void write(Row row) throws IOException {
    writer.write(row);
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  private static final class Builder extends ParquetWriter.Builder<Row, Builder> {
    private final Columns columns;

    Builder(OutputFile file, Columns columns) {
      super(file);
      this.columns = columns;
    }

    @Override
    protected Builder self() {
      return this;
    }

    /** The older of two ways in, abstract still, so that it must be here. */
    @Override
    @SuppressWarnings("deprecation")
    protected WriteSupport<Row> getWriteSupport(Configuration configuration) {
      return columns;
    }
  }

  /** Hands rows to Parquet value by value. */
  private static final class Columns extends WriteSupport<Row> {
    private final MessageType schema;
    private final Map<String, String> footer;
    private final String[] names;
    private final DataType[] types;
    private RecordConsumer consumer;

    Columns(int apertures) {
      schema = PublishedTable.parquet(apertures);
      footer = PublishedTable.footer(apertures);
      names = schema.getFields().stream().map(Type::getName).toArray(String[]::new);
      StructType spark = PublishedTable.spark(apertures);
      types = new DataType[names.length];
      for (int i = 0; i < types.length; i++) {
        types[i] = spark.fields()[i].dataType();
      }
    }

    @Override
    public String getName() {
      return "starmill";
    }

    /** The older of two ways in, abstract still, so that it must be here. */
    @Override
    @SuppressWarnings("deprecation")
    public WriteContext init(Configuration configuration) {
      return new WriteContext(schema, footer);
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return new WriteContext(schema, footer);
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      consumer = recordConsumer;
    }

    @Override
    public FinalizedWriteContext finalizeWrite() {
      return new FinalizedWriteContext(Map.of());
    }

    @Override
    public void write(Row row) {
      consumer.startMessage();
      for (int i = 0; i < types.length; i++) {
        Object value = row.get(i);
        if (value != null) {
          consumer.startField(names[i], i);
          put(types[i], value);
          consumer.endField(names[i], i);
        }
      }
      consumer.endMessage();
    }

    private void put(DataType type, Object value) {
      if (type.equals(DataTypes.FloatType)) {
        consumer.addFloat((Float) value);
      } else if (type.equals(DataTypes.DoubleType)) {
        consumer.addDouble((Double) value);
      } else if (type.equals(DataTypes.LongType)) {
        consumer.addLong((Long) value);
      } else if (type.equals(DataTypes.IntegerType) || type.equals(DataTypes.ByteType)) {
        consumer.addInteger(((Number) value).intValue());
      } else if (type.equals(DataTypes.StringType)) {
        consumer.addBinary(Binary.fromString((String) value));
      } else {
        throw new IllegalStateException("no way to write a value of type " + type);
      }
    }
  }
}
