package org.starmill.catalog;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;

/** Opens a Parquet file for a table, with the encodings that suit measured numbers. */
final class TableFile<T> extends ParquetWriter.Builder<T, TableFile<T>> {
  private static final long ROW_GROUP_BYTES = 64L << 20;

  private final TableWriteSupport<T> support;

  private TableFile(OutputFile file, TableWriteSupport<T> support) {
    super(file);
    this.support = support;
  }

  /** Opens the file, replacing one that is there. */
  static <T> ParquetWriter<T> open(
      OutputFile file, Configuration hadoop, TableWriteSupport<T> support, String compression)
      throws IOException {
    TableFile<T> builder =
        new TableFile<>(file, support)
            .withConf(hadoop)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(codec(compression))
            .withRowGroupSize(ROW_GROUP_BYTES);
    for (Column column : support.columns()) {
      // Measured numbers hardly repeat: looking for repetitions would cost more than all the rest.
      boolean repeats =
          switch (column.kind()) {
            case FLOAT, DOUBLE, DOUBLES -> false;
            case LONG -> !column.name().equals("source_id");
            default -> true;
          };
      builder.withDictionaryEncoding(column.name(), repeats);
    }
    return builder.build();
  }

  private static CompressionCodecName codec(String compression) {
    return switch (compression) {
      case "zstd" -> CompressionCodecName.ZSTD;
      case "snappy" -> CompressionCodecName.SNAPPY;
      case "gzip" -> CompressionCodecName.GZIP;
      case "none" -> CompressionCodecName.UNCOMPRESSED;
      default ->
          throw new IllegalArgumentException(
              "compression '%s': expected zstd, snappy, gzip or none".formatted(compression));
    };
  }

  @Override
  protected TableFile<T> self() {
    return this;
  }

  /** The older of two ways in, abstract still, so that it must be here. */
  @Override
  @SuppressWarnings("deprecation")
  protected WriteSupport<T> getWriteSupport(Configuration configuration) {
    return support;
  }
}
