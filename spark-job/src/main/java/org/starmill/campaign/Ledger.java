package org.starmill.campaign;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.starmill.catalog.CatalogTable;
import org.starmill.catalog.Concatenation;
import org.starmill.catalog.ExposureRow;
import org.starmill.catalog.ExposuresWriter;
import org.starmill.catalog.KeptRows;

/**
 * Keeps account of the images that were tried: the exposures table, a file for each batch.
 *
 * <p>Tasks write into a folder of the run under {@code _staging}, and so does the driver with the
 * rows of a batch. Then a file {@code _commit/BATCH.json} that names them comes into its place in
 * one step: with it the batch is decided upon, before it nothing is. What follows can be done again
 * and again with the same end: the batch's stars come into their place as one file, its rows as
 * another, and the decision is taken away. Whoever finds a decision, such as the first run after
 * one that was killed, follows it; what is staged without one is removed.
 *
 * <p>So a reader of either table finds a batch whole or not at all, and, of one that is done again,
 * the former rows or the new ones.
 */
final class Ledger {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PARQUET = ".parquet";
  private static final String DECISION = ".json";
  private static final String STARS = "stars" + PARQUET;

  private final Campaign campaign;
  private final FileSystem fileSystem;
  private final Configuration hadoop;
  private final String compression;

  Ledger(Campaign campaign, String compression) {
    this.campaign = campaign;
    this.fileSystem = campaign.fileSystem();
    this.hadoop = fileSystem.getConf();
    this.compression = compression;
  }

  /**
   * What a batch is to consist of.
   *
   * @param stars files below the campaign's folder; empty for no stars, null to leave those in
   *     place as they are
   * @param rows files of exposures, likewise
   */
  private record Decision(String batch, List<String> stars, List<String> rows) {
    String json() {
      ObjectNode json = JSON.createObjectNode();
      json.put("batch", batch);
      if (stars != null) {
        json.set("stars", JSON.valueToTree(stars));
      }
      json.set("rows", JSON.valueToTree(rows));
      return json + "\n";
    }

    static Decision of(JsonNode json) {
      return new Decision(
          json.path("batch").asText(),
          json.has("stars") ? strings(json.path("stars")) : null,
          strings(json.path("rows")));
    }

    private static List<String> strings(JsonNode array) {
      List<String> strings = new ArrayList<>();
      array.forEach(value -> strings.add(value.asText()));
      return strings;
    }
  }

  /**
   * Follows the decisions that a run left which was stopped, and removes what else it left.
   *
   * @return what was done, a phrase for each thing; empty where nothing was left
   */
  List<String> recover() throws IOException {
    List<String> done = new ArrayList<>();
    for (FileStatus file : children(campaign.decisions())) {
      if (file.getPath().getName().endsWith(DECISION)) {
        Decision decision = read(file.getPath());
        follow(decision);
        done.add("put the finished batch %s into its place".formatted(decision.batch()));
      }
    }
    done.addAll(removeLeftovers());
    return done;
  }

  private Decision read(Path file) throws IOException {
    try (InputStream in = fileSystem.open(file)) {
      return Decision.of(JSON.readTree(in));
    }
  }

  /** Removes what stands in the campaign's folder and belongs to no batch that counts. */
  private List<String> removeLeftovers() throws IOException {
    List<String> removed = new ArrayList<>(Plan.removeHalfMoved(campaign));
    for (FileStatus run : children(campaign.staging())) {
      removed.add("removed %s/%s".formatted(campaign.staging().getName(), run.getPath().getName()));
    }
    fileSystem.delete(campaign.staging(), true);
    Set<String> committed = new HashSet<>();
    for (FileStatus file : children(campaign.exposures())) {
      String name = file.getPath().getName();
      if (name.endsWith(PARQUET)) {
        committed.add(batchOf(name));
      }
    }
    for (FileStatus batch : children(campaign.sources())) {
      String name = batch.getPath().getName();
      if (!committed.contains(name)) {
        fileSystem.delete(batch.getPath(), true);
        removed.add("removed sources/%s, which has no exposures".formatted(name));
      }
    }
    try {
      int uploads = campaign.place().abortUploads(campaign.folder());
      if (uploads > 0) {
        removed.add("gave up %d unfinished uploads".formatted(uploads));
      }
    } catch (IOException notAllowed) {
      // They are seen by nobody and change no row: no reason to measure nothing.
      removed.add(
          "may have left unfinished uploads, which could not be given up (%s); let the store remove them by a rule on their age"
              .formatted(notAllowed.getMessage()));
    }
    return removed;
  }

  private List<FileStatus> children(Path folder) throws IOException {
    try {
      return List.of(fileSystem.listStatus(folder));
    } catch (FileNotFoundException absent) {
      return List.of();
    }
  }

  /** The name of the batch that begins with an image: no two batches begin with the same. */
  static String batchName(long firstExposureId) {
    return "batch-%012d".formatted(firstExposureId);
  }

  /** The name of a new batch that begins with an image; not that of one which has lost its row. */
  String freeName(long firstExposureId) throws IOException {
    String first = batchName(firstExposureId);
    String name = first;
    for (int number = 2; fileSystem.exists(rowsOf(name)); number++) {
      name = first + "-" + number;
    }
    return name;
  }

  /** The batch that a file of exposures, or a decision, is named by. */
  static String batchOf(String fileName) {
    return fileName.substring(0, fileName.lastIndexOf('.'));
  }

  /**
   * The folder where the tasks of a Spark job write the files of their stars. It is this run's
   * alone: tasks of a run that was killed may write on for a while.
   */
  Path staged(String job) {
    return new Path(new Path(campaign.staging(), campaign.lease().id()), job);
  }

  /** Forgets what a job has staged and nobody has committed. */
  void removeStaged(String job) throws IOException {
    fileSystem.delete(staged(job), true);
  }

  /**
   * Makes a new batch count.
   *
   * @param job whose tasks have written the stars
   * @param batch its name
   * @param files names in {@link #staged} that hold its stars; what else is there comes from
   *     attempts that lost
   * @param exposures a row for each of its images
   */
  void commit(String job, String batch, Collection<String> files, List<ExposureRow> exposures)
      throws IOException {
    if (fileSystem.exists(rowsOf(batch))) {
      throw new IOException(
          "%s is there already: expected a free place; let no two runs work in %s at the same time"
              .formatted(rowsOf(batch), campaign.folder()));
    }
    Path rows = writeRows(job, batch, exposures);
    decide(job, new Decision(batch, inStaging(job, files), List.of(below(rows))));
  }

  /**
   * Puts new rows and stars of some images of a batch in the place of the former ones.
   *
   * @param job whose tasks have written the stars
   * @param batch that holds those images and maybe others
   * @param files names in {@link #staged} that hold the stars of those images
   * @param exposures a row for each of those images
   */
  void replace(String job, String batch, Collection<String> files, List<ExposureRow> exposures)
      throws IOException {
    Set<Long> images =
        exposures.stream().map(row -> row.identity().exposureId()).collect(Collectors.toSet());
    Path keptRows = new Path(staged(job), batch + "-kept-rows" + PARQUET);
    KeptRows.copy(CatalogTable.EXPOSURES, rowsOf(batch), keptRows, images, hadoop, compression);
    List<String> rows = List.of(below(keptRows), below(writeRows(job, batch, exposures)));
    List<String> stars = inStaging(job, files);
    Path former = starsOf(batch);
    if (holdsStars(batch)) {
      Path keptStars = new Path(staged(job), batch + "-kept-stars" + PARQUET);
      KeptRows.copy(CatalogTable.SOURCES, former, keptStars, images, hadoop, compression);
      stars.add(0, below(keptStars));
    }
    decide(job, new Decision(batch, stars, rows));
  }

  /**
   * Takes the rows of frames out of a batch: of such as have no stars and need no row any more.
   *
   * @param batch that holds those frames and maybe others
   * @param frames their numbers
   */
  void remove(String batch, Set<Long> frames) throws IOException {
    String job = "removed-from-" + batch;
    Path kept = new Path(staged(job), batch + "-kept-rows" + PARQUET);
    KeptRows.copy(CatalogTable.EXPOSURES, rowsOf(batch), kept, frames, hadoop, compression);
    decide(job, new Decision(batch, null, List.of(below(kept))));
    removeStaged(job);
  }

  private boolean holdsStars(String batch) throws IOException {
    boolean stars = false;
    for (FileStatus file : children(starsOf(batch).getParent())) {
      String name = file.getPath().getName();
      if (name.equals(STARS)) {
        stars = true;
      } else if (name.endsWith(PARQUET)) {
        throw new IOException(
            "%s is of a version of Starmill that wrote several files a batch, which cannot be replaced in one step; retry into another --output"
                .formatted(file.getPath()));
      }
    }
    return stars;
  }

  private Path writeRows(String job, String batch, List<ExposureRow> exposures) throws IOException {
    Path rows = new Path(staged(job), batch + "-rows" + PARQUET);
    try (ExposuresWriter writer = new ExposuresWriter(rows, hadoop, compression)) {
      for (ExposureRow exposure : exposures) {
        writer.write(exposure);
      }
    } catch (FSError e) {
      throw new IOException(e.getCause());
    }
    return rows;
  }

  private List<String> inStaging(String job, Collection<String> files) {
    List<String> paths = new ArrayList<>();
    for (String file : new TreeSet<>(files)) {
      paths.add(below(new Path(staged(job), file)));
    }
    return paths;
  }

  private String below(Path path) {
    return campaign.folder().toUri().relativize(path.toUri()).getPath();
  }

  private Path rowsOf(String batch) {
    return new Path(campaign.exposures(), batch + PARQUET);
  }

  private Path starsOf(String batch) {
    return new Path(new Path(campaign.sources(), batch), STARS);
  }

  /** The one step: before it the batch is as it was, after it as decided. */
  private void decide(String job, Decision decision) throws IOException {
    campaign.lease().check();
    campaign
        .place()
        .put(
            new Path(campaign.decisions(), decision.batch() + DECISION),
            new Path(staged(job), decision.batch() + DECISION),
            out -> out.write(decision.json().getBytes(StandardCharsets.UTF_8)));
    follow(decision);
  }

  /** Brings about what is decided, from any state that an earlier attempt has left. */
  private void follow(Decision decision) throws IOException {
    String batch = decision.batch();
    if (decision.stars() != null) {
      if (decision.stars().isEmpty()) {
        fileSystem.delete(starsOf(batch), false);
      } else {
        join(decision.stars(), starsOf(batch));
      }
    }
    // Last: whoever finds an image's row finds its stars.
    join(decision.rows(), rowsOf(batch));
    fileSystem.delete(new Path(campaign.decisions(), batch + DECISION), false);
  }

  private void join(List<String> parts, Path to) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String part : parts) {
      Path file = new Path(campaign.folder(), part);
      if (!fileSystem.exists(file)) {
        throw new IOException(
            "%s is gone: expected it, since a file in %s names it; bring it back, or give another --output"
                .formatted(file, campaign.decisions()));
      }
      files.add(file);
    }
    Path draft = files.get(0).suffix(".joined");
    campaign.place().put(to, draft, out -> Concatenation.write(files, out, hadoop));
  }

  /** The rows of all batches that count. */
  Dataset<Row> exposures(SparkSession spark) {
    return spark
        .read()
        .schema(CatalogTable.EXPOSURES.sparkSchema(0))
        .parquet(campaign.exposures().toString());
  }
}
