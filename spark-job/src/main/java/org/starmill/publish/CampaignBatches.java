package org.starmill.publish;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.Type;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.Refused;

/**
 * The batches of a campaign that count, and which of them are not published yet.
 *
 * <p>A batch counts once its file of exposures stands in {@code exposures}; its stars are in the
 * folder of the same name under {@code sources}. Folders of stars without such a file are not
 * looked at.
 *
 * @param identity whose they are
 * @param fresh to be published
 * @param kept published before, and the same since
 * @param gone number of those that were published and are no more, or have changed since
 */
record CampaignBatches(Campaign.Identity identity, List<Batch> fresh, List<Batch> kept, int gone) {
  private static final String PARQUET = ".parquet";
  private static final Pattern APERTURE = Pattern.compile("aper_flux_(\\d+)");

  /**
   * A batch.
   *
   * @param name of it in the campaign
   * @param exposures its file of exposures
   * @param sources its folder of stars; null where it has none
   * @param mark changes when the batch is done anew: length and time of the file of exposures
   */
  record Batch(String name, Path exposures, Path sources, String mark) {
    Batch withoutStars() {
      return new Batch(name, exposures, null, mark);
    }
  }

  /**
   * Lists a campaign.
   *
   * @param published what the catalog has of it; null for nothing
   * @throws Refused where the folder holds no campaign that can be published
   */
  static CampaignBatches of(
      String folder, PublishLedger.Published published, Campaign campaign, Configuration hadoop)
      throws IOException {
    Campaign.Identity identity = campaign.identity();
    if (published != null && !published.configurationHash().equals(identity.configurationHash())) {
      throw new Refused(
          "--input %s: campaign '%s' has the configuration %s, the catalog has it with %s; publish it into another --output"
              .formatted(
                  folder,
                  identity.id(),
                  identity.configurationHash(),
                  published.configurationHash()));
    }
    List<String> unfinished = campaign.unfinishedBatches();
    SortedMap<String, Batch> found = list(campaign, hadoop);
    for (String batch : unfinished) {
      if (found.containsKey(batch)) {
        throw new Refused(
            "--input %s: %s of campaign '%s' is being replaced; wait for the run that is at work, or, where it was stopped, give 'starmill run' again"
                .formatted(folder, batch, identity.id()));
      }
    }
    List<Batch> fresh = new ArrayList<>();
    List<Batch> kept = new ArrayList<>();
    FileSystem fileSystem = campaign.folder().getFileSystem(hadoop);
    Map<Path, Set<String>> folders = new HashMap<>();
    for (Batch batch : found.values()) {
      if (published != null && batch.mark().equals(published.batches().get(batch.name()))) {
        kept.add(batch);
        continue;
      }
      Path parent = batch.sources().getParent();
      if (!folders.containsKey(parent)) {
        folders.put(parent, children(fileSystem, parent));
      }
      boolean stars = folders.get(parent).contains(batch.sources().getName());
      fresh.add(stars ? batch : batch.withoutStars());
    }
    int gone = published == null ? 0 : published.batches().size() - kept.size();
    return new CampaignBatches(identity, fresh, kept, gone);
  }

  private static SortedMap<String, Batch> list(Campaign campaign, Configuration hadoop)
      throws IOException {
    FileSystem fileSystem = campaign.folder().getFileSystem(hadoop);
    SortedMap<String, Batch> batches = new TreeMap<>();
    String root = campaign.exposures().toUri().getPath();
    try {
      RemoteIterator<LocatedFileStatus> files = fileSystem.listFiles(campaign.exposures(), true);
      while (files.hasNext()) {
        LocatedFileStatus file = files.next();
        String path = file.getPath().toUri().getPath();
        if (!path.endsWith(PARQUET)) {
          continue;
        }
        String name = path.substring(root.length() + 1, path.length() - PARQUET.length());
        String mark = "%d-%d".formatted(file.getLen(), file.getModificationTime());
        batches.put(
            name, new Batch(name, file.getPath(), new Path(campaign.sources(), name), mark));
      }
    } catch (FileNotFoundException none) {
      return batches;
    }
    return batches;
  }

  private static Set<String> children(FileSystem fileSystem, Path folder) throws IOException {
    Set<String> names = new HashSet<>();
    try {
      for (FileStatus child : fileSystem.listStatus(folder)) {
        names.add(child.getPath().getName());
      }
    } catch (FileNotFoundException none) {
      return names;
    }
    return names;
  }

  /** What the ledger is to say of the campaign once all of it is published. */
  PublishLedger.Published published() {
    SortedMap<String, String> batches = new TreeMap<>();
    kept.forEach(batch -> batches.put(batch.name(), batch.mark()));
    fresh.forEach(batch -> batches.put(batch.name(), batch.mark()));
    return new PublishLedger.Published(
        identity.instrument(), identity.configurationHash(), batches);
  }

  /** Number of apertures of the new stars; all files of a campaign have the same. */
  int apertures(Configuration hadoop) throws IOException {
    for (Batch batch : fresh) {
      if (batch.sources() == null) {
        continue;
      }
      FileSystem fileSystem = batch.sources().getFileSystem(hadoop);
      for (FileStatus file : fileSystem.listStatus(batch.sources())) {
        if (file.getPath().getName().endsWith(PARQUET)) {
          return apertures(file, hadoop);
        }
      }
    }
    return 0;
  }

  private static int apertures(FileStatus file, Configuration hadoop) throws IOException {
    int most = 0;
    try (ParquetFileReader reader =
        ParquetFileReader.open(HadoopInputFile.fromStatus(file, hadoop))) {
      for (Type column : reader.getFileMetaData().getSchema().getFields()) {
        Matcher aperture = APERTURE.matcher(column.getName());
        if (aperture.matches()) {
          most = Math.max(most, Integer.parseInt(aperture.group(1)));
        }
      }
    }
    return most;
  }

  /** Whether there is anything to be done for it. */
  boolean changed() {
    return gone > 0 || !fresh.isEmpty();
  }
}
