package org.starmill.publish;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.Footer;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetOutputFormat.JobSummaryLevel;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.FileMetaData;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.starmill.healpix.HealpixPixel;

/**
 * Writes {@code _metadata}, the footers of all files in one, and {@code _common_metadata}, the
 * columns alone.
 *
 * <p>Footers of files that stay are taken from the {@code _metadata} that is there, the others read
 * from the files, many at a time.
 */
final class HatsMetadata {
  /** A _metadata of more footers than these would take gigabytes to write and to read. */
  private static final long MOST_COLUMN_CHUNKS = 500_000;

  private final Path catalog;
  private final Path staging;
  private final int apertures;
  private final Configuration hadoop;

  /**
   * @param catalog folder of the catalog
   * @param staging folder that both files are written to, as if it were the catalog's
   */
  HatsMetadata(Path catalog, Path staging, int apertures, Configuration hadoop) {
    this.catalog = catalog;
    this.staging = staging;
    this.apertures = apertures;
    this.hadoop = hadoop;
  }

  /** Whether the footers of so many files can stand in one. */
  boolean holds(int files) {
    return (long) files * PublishedTable.parquet(apertures).getFields().size()
        <= MOST_COLUMN_CHUNKS;
  }

  /**
   * Writes both, or the columns alone where there are too many files.
   *
   * @param files the file of each pixel, in the order of the sky; null for one that stays
   * @return bytes of all files' data; -1 where their footers were not read
   */
  long write(Map<HealpixPixel, Path> files) throws IOException {
    FileMetaData columns =
        new FileMetaData(
            PublishedTable.parquet(apertures),
            PublishedTable.footer(apertures),
            "Starmill (parquet-mr)");
    Path dataset = new Path(staging, HatsLayout.DATASET);
    List<Footer> footers = new ArrayList<>();
    footers.add(new Footer(dataset, new ParquetMetadata(columns, List.of())));
    if (!holds(files.size())) {
      summary(dataset, footers, JobSummaryLevel.COMMON_ONLY);
      return -1;
    }
    Map<String, List<BlockMetaData>> present = present();
    List<Map.Entry<HealpixPixel, Path>> entries = new ArrayList<>(files.entrySet());
    List<ParquetMetadata> read =
        entries.parallelStream()
            .map(entry -> footer(entry.getKey(), entry.getValue(), present))
            .toList();
    long bytes = 0;
    for (int i = 0; i < entries.size(); i++) {
      for (BlockMetaData block : read.get(i).getBlocks()) {
        bytes += block.getCompressedSize();
      }
      Path file = new Path(staging, HatsLayout.file(entries.get(i).getKey()));
      footers.add(new Footer(file, new ParquetMetadata(columns, read.get(i).getBlocks())));
    }
    summary(dataset, footers, JobSummaryLevel.ALL);
    return bytes;
  }

  /** Parquet's own way to write these files; it is called old, but there is no newer one. */
  @SuppressWarnings("deprecation")
  private void summary(Path dataset, List<Footer> footers, JobSummaryLevel level)
      throws IOException {
    ParquetFileWriter.writeMetadataFile(hadoop, dataset, footers, level);
  }

  /** What the catalog's _metadata says, by the file below dataset. */
  private Map<String, List<BlockMetaData>> present() throws IOException {
    Map<String, List<BlockMetaData>> blocks = new HashMap<>();
    Path file = new Path(catalog, HatsLayout.METADATA);
    if (file.getFileSystem(hadoop).exists(file)) {
      for (BlockMetaData block : read(file).getBlocks()) {
        blocks.computeIfAbsent(block.getPath(), path -> new ArrayList<>()).add(block);
      }
    }
    return blocks;
  }

  private ParquetMetadata footer(
      HealpixPixel pixel, Path written, Map<String, List<BlockMetaData>> present) {
    try {
      if (written != null) {
        return read(written);
      }
      String file = HatsLayout.file(pixel);
      List<BlockMetaData> blocks = present.get(file.substring(HatsLayout.DATASET.length() + 1));
      return blocks == null ? read(new Path(catalog, file)) : new ParquetMetadata(null, blocks);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the footer of pixel %d of order %d cannot be read: %s"
              .formatted(pixel.number(), pixel.order(), e.getMessage()),
          e);
    }
  }

  private ParquetMetadata read(Path file) throws IOException {
    FileStatus status = file.getFileSystem(hadoop).getFileStatus(file);
    try (ParquetFileReader reader =
        ParquetFileReader.open(HadoopInputFile.fromStatus(status, hadoop))) {
      return reader.getFooter();
    }
  }
}
