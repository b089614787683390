package org.starmill.catalog;

import java.io.IOException;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.GroupWriter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;

/** Copies a file of a table without the rows of some images, row by row. */
public final class KeptRows {
  private static final String IMAGE = "exposure_id";

  private KeptRows() {}

  /**
   * Writes the rows of all other images.
   *
   * @param table of both files
   * @param to replaced where it is there
   * @param without numbers of the images to be left out
   * @param compression zstd, snappy, gzip or none
   * @return how many rows were left out
   * @throws IOException where the file is not of this version's columns, or cannot be read or
   *     written
   */
  public static long copy(
      CatalogTable table,
      Path from,
      Path to,
      Set<Long> without,
      Configuration hadoop,
      String compression)
      throws IOException {
    MessageType schema;
    try (ParquetFileReader file = ParquetFileReader.open(HadoopInputFile.fromPath(from, hadoop))) {
      schema = file.getFileMetaData().getSchema();
    }
    int apertures =
        (int)
            schema.getFields().stream()
                .filter(column -> column.getName().matches("aper_flux_[0-9]+"))
                .count();
    if (!schema.equals(table.parquetSchema(apertures))) {
      throw new IOException(
          "%s has other columns than this version of Starmill writes; expected one written by it; retry with the version that began the campaign"
              .formatted(from));
    }
    long leftOut = 0;
    try (ParquetReader<Group> rows =
            ParquetReader.builder(new GroupReadSupport(), from).withConf(hadoop).build();
        ParquetWriter<Group> kept =
            TableFile.open(
                HadoopOutputFile.fromPath(to, hadoop),
                hadoop,
                new Rows(table, apertures),
                compression)) {
      for (Group row = rows.read(); row != null; row = rows.read()) {
        if (without.contains(row.getLong(IMAGE, 0))) {
          leftOut++;
        } else {
          kept.write(row);
        }
      }
    }
    return leftOut;
  }

  /** Writes rows as they were read. */
  private static final class Rows extends TableWriteSupport<Group> {
    private final MessageType schema;
    private GroupWriter writer;

    Rows(CatalogTable table, int apertures) {
      super(table, apertures);
      schema = table.parquetSchema(apertures);
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      writer = new GroupWriter(consumer, schema);
    }

    @Override
    public void write(Group row) {
      writer.write(row);
    }

    @Override
    void writeColumns(Group row) {
      throw new UnsupportedOperationException("rows are written whole");
    }
  }
}
