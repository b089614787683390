package org.starmill.catalog;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.schema.MessageType;

/**
 * Makes one Parquet file of several of one table.
 *
 * <p>Row groups are copied byte by byte, with their page indexes; only the footer is new. Read
 * options are made once: without Hadoop's settings Parquet reads those from their files for each.
 */
public final class Concatenation {
  private static final long ROW_GROUP_BYTES = 64L << 20;

  private Concatenation() {}

  /**
   * Writes one file.
   *
   * @param parts one or more files with the same columns, in the order their rows are to have
   * @param to is left open
   * @throws IOException where the columns differ, or a file cannot be read or written
   */
  public static void write(List<Path> parts, FSDataOutputStream to, Configuration hadoop)
      throws IOException {
    ParquetReadOptions options = HadoopReadOptions.builder(hadoop).build();
    MessageType schema = null;
    Map<String, String> footer = null;
    ParquetFileWriter writer = null;
    for (Path part : parts) {
      try (ParquetFileReader reader =
          ParquetFileReader.open(HadoopInputFile.fromPath(part, hadoop), options)) {
        if (writer == null) {
          schema = reader.getFileMetaData().getSchema();
          footer = reader.getFileMetaData().getKeyValueMetaData();
          // The writer is not closed: that would close the stream, a half-written one as well.
          writer =
              new ParquetFileWriter(
                  new Open(to), schema, ParquetFileWriter.Mode.OVERWRITE, ROW_GROUP_BYTES, 0);
          writer.start();
        } else if (!reader.getFileMetaData().getSchema().equals(schema)) {
          throw new IOException(
              "%s and %s have different columns; expected files of one version of Starmill and one number of apertures"
                  .formatted(parts.get(0), part));
        }
        append(reader, part, schema, writer, hadoop);
      }
    }
    writer.end(footer);
  }

  private static void append(
      ParquetFileReader reader,
      Path file,
      MessageType schema,
      ParquetFileWriter writer,
      Configuration hadoop)
      throws IOException {
    try (var bytes = HadoopInputFile.fromPath(file, hadoop).newStream()) {
      for (BlockMetaData rowGroup : reader.getRowGroups()) {
        writer.startBlock(rowGroup.getRowCount());
        for (ColumnChunkMetaData chunk : rowGroup.getColumns()) {
          writer.appendColumnChunk(
              schema.getColumnDescription(chunk.getPath().toArray()),
              bytes,
              chunk,
              null,
              reader.readColumnIndex(chunk),
              reader.readOffsetIndex(chunk));
        }
        writer.endBlock();
      }
    }
  }

  /** A stream that is open already, and stays so. */
  private record Open(FSDataOutputStream stream) implements OutputFile {
    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new PositionOutputStream() {
        @Override
        public long getPos() throws IOException {
          return stream.getPos();
        }

        @Override
        public void write(int b) throws IOException {
          stream.write(b);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          stream.write(bytes, offset, length);
        }

        @Override
        public void flush() throws IOException {
          stream.flush();
        }
      };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }
}
