package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.catalog.CatalogTable;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposuresWriter;

/**
 * Keeps account of the images that were tried: the exposures table, a file for each batch.
 *
 * <p>A batch's tasks write into the staging folder. To commit it, the files of its successful tasks
 * are gathered and its exposures written there, too; then the files are moved to {@code
 * sources/BATCH} in one rename, and the exposures to {@code exposures/BATCH.parquet} in another:
 * with that last one the batch counts, before it nothing does. What a killed run has left in
 * between is removed when the next one begins.
 */
final class Ledger {
  private static final String PARQUET = ".parquet";

  private final Campaign campaign;
  private final String compression;

  Ledger(Campaign campaign, String compression) {
    this.campaign = campaign;
    this.compression = compression;
  }

  /** Removes what stands in the campaign's folder and belongs to no batch that counts. */
  void removeLeftovers() throws IOException {
    FileSystem fileSystem = campaign.fileSystem();
    fileSystem.delete(campaign.staging(), true);
    Set<String> committed = new HashSet<>();
    for (FileStatus file : children(campaign.exposures())) {
      String name = file.getPath().getName();
      if (name.endsWith(PARQUET)) {
        committed.add(name.substring(0, name.length() - PARQUET.length()));
      }
    }
    for (FileStatus batch : children(campaign.sources())) {
      if (!committed.contains(batch.getPath().getName())) {
        fileSystem.delete(batch.getPath(), true);
      }
    }
  }

  private List<FileStatus> children(Path folder) throws IOException {
    try {
      return List.of(campaign.fileSystem().listStatus(folder));
    } catch (FileNotFoundException absent) {
      return List.of();
    }
  }

  /** The name of the batch that begins with an image: no two batches begin with the same. */
  static String batchName(long firstExposureId) {
    return "batch-%012d".formatted(firstExposureId);
  }

  /** The folder where the tasks of a batch write the files of their stars. */
  Path stagedSources(String batch) {
    return new Path(new Path(campaign.staging(), batch), "sources");
  }

  /**
   * Makes a batch count.
   *
   * @param batch its name
   * @param files names in {@link #stagedSources} that hold its stars; what else is there comes from
   *     attempts that lost
   * @param exposures a row for each of its images
   */
  void commit(String batch, Set<String> files, List<ExposureRow> exposures) throws IOException {
    FileSystem fileSystem = campaign.fileSystem();
    Path staging = new Path(campaign.staging(), batch);
    // A late attempt may still write where the tasks do, but never here.
    Path counting = new Path(staging, "counting");
    for (String file : files) {
      campaign.rename(new Path(stagedSources(batch), file), new Path(counting, file));
    }
    Path rows = new Path(staging, "exposures" + PARQUET);
    try (ExposuresWriter writer = new ExposuresWriter(rows, fileSystem.getConf(), compression)) {
      for (ExposureRow exposure : exposures) {
        writer.write(exposure);
      }
    }
    if (!files.isEmpty()) {
      campaign.rename(counting, new Path(campaign.sources(), batch));
    }
    campaign.rename(rows, new Path(campaign.exposures(), batch + PARQUET));
    fileSystem.delete(staging, true);
  }

  /** The rows of all batches that count. */
  Dataset<Row> exposures(SparkSession spark) {
    return spark
        .read()
        .schema(CatalogTable.EXPOSURES.sparkSchema(0))
        .parquet(campaign.exposures().toString());
  }
}
