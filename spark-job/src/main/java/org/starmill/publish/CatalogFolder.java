package org.starmill.publish;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.starmill.campaign.GivenPath;
import org.starmill.campaign.Refused;
import org.starmill.healpix.HealpixPixel;

/** The folder of a published catalog, as it stands between two publications. */
final class CatalogFolder {
  private final String given;
  private final Path folder;
  private final FileSystem fileSystem;
  private boolean finishedEarlier;

  private CatalogFolder(String given, Path folder, FileSystem fileSystem) {
    this.given = given;
    this.folder = folder;
    this.fileSystem = fileSystem;
    // On a local disk: no .crc files beside the catalog's.
    fileSystem.setWriteChecksum(false);
  }

  /**
   * Opens or makes the folder. What an earlier publication had decided upon is finished, what it
   * had not is removed.
   *
   * @throws Refused where it cannot be written, or holds something else
   */
  static CatalogFolder open(String output, Configuration hadoop, JavaSparkContext spark) {
    if (output.isBlank()) {
      throw new Refused("--output '' is empty; expected a folder; give one");
    }
    try {
      Path path = new Path(output);
      FileSystem fileSystem = path.getFileSystem(hadoop);
      GivenPath.refuseRelativeInCluster("--output", path, fileSystem);
      CatalogFolder catalog = new CatalogFolder(output, fileSystem.makeQualified(path), fileSystem);
      catalog.refuseUnlessCatalogOrEmpty();
      fileSystem.mkdirs(catalog.at(HatsLayout.STAGING));
      catalog.finishedEarlier = catalog.switchover().finish(spark);
      catalog.removeLeftovers();
      return catalog;
    } catch (IOException e) {
      throw new Refused(
          "--output %s cannot be written: %s; give another --output"
              .formatted(output, e.getMessage()),
          e);
    }
  }

  private void refuseUnlessCatalogOrEmpty() throws IOException {
    FileStatus[] children;
    try {
      children = fileSystem.listStatus(folder);
    } catch (FileNotFoundException isNew) {
      return;
    }
    if (children.length > 0 && !fileSystem.exists(at(HatsLayout.OWN))) {
      throw new Refused(
          "--output %s is no catalog that 'starmill publish' has made and not empty (it holds %s); give a folder that is new, empty or a catalog's"
              .formatted(given, children[0].getPath().getName()));
    }
  }

  /** Removes what counts for nothing: staged files, and counts of rows other than the last. */
  void removeLeftovers() throws IOException {
    fileSystem.delete(at(HatsLayout.STAGING), true);
    String counts = ledger().map(last -> HatsLayout.histogram(last.publication())).orElse("");
    try {
      for (FileStatus histogram : fileSystem.listStatus(at(HatsLayout.HISTOGRAMS))) {
        if (!counts.endsWith("/" + histogram.getPath().getName())) {
          fileSystem.delete(histogram.getPath(), true);
        }
      }
    } catch (FileNotFoundException none) {
      return;
    }
  }

  /** What was published so far; empty where nothing was. */
  Optional<PublishLedger> ledger() throws IOException {
    return PublishLedger.read(fileSystem, at(HatsLayout.LEDGER));
  }

  /** The pixels of the catalog with their rows, in the order of the sky. */
  Map<HealpixPixel, Long> pixels() throws IOException {
    return HatsLayout.readPartitionInfo(fileSystem, at(HatsLayout.PARTITION_INFO));
  }

  Switchover switchover() throws IOException {
    return new Switchover(folder, fileSystem);
  }

  boolean finishedEarlier() {
    return finishedEarlier;
  }

  FileSystem fileSystem() {
    return fileSystem;
  }

  Path folder() {
    return folder;
  }

  /** A path below the folder. */
  Path at(String below) {
    return new Path(folder, below);
  }

  /** A path below the folder of what is being written. */
  Path staged(String below) {
    return new Path(at(HatsLayout.STAGING), below);
  }
}
