package org.starmill.campaign;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.security.AccessControlException;

/**
 * The folder of a campaign: where its plan, masters, sources and exposures stand, and whose it is.
 *
 * <p>The file {@code campaign.json} names the campaign, and the configuration and the version of
 * the software that all of its images are reduced with; a folder that belongs to another campaign,
 * and, unless changes are allowed, to another configuration or version, is refused, and nothing is
 * written into it.
 */
public final class Campaign {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String IDENTITY_FILE = "campaign.json";

  /**
   * What a campaign is.
   *
   * @param id name of the campaign
   * @param instrument name of the instrument file
   * @param configurationHash hash of every setting that the catalog depends on
   * @param version of the software
   * @param created when it was begun, UTC, ISO 8601
   */
  public record Identity(
      String id, String instrument, String configurationHash, String version, String created)
      implements Serializable {}

  /**
   * What some images of a campaign were reduced with, before it was changed.
   *
   * @param configurationHash as {@link Identity} has it
   * @param version of the software
   */
  public record Former(String configurationHash, String version) implements Serializable {}

  private final Path folder;
  private final FileSystem fileSystem;
  private final Identity identity;
  private final List<Former> former;
  private final Place place;
  private final Lease lease;

  private Campaign(Path folder, FileSystem fileSystem, Identity identity, List<Former> former)
      throws IOException {
    this.folder = folder;
    this.fileSystem = fileSystem;
    this.identity = identity;
    this.former = List.copyOf(former);
    this.place = new Place(fileSystem, folder);
    this.lease = new Lease(fileSystem, folder, Lease.Pace.USUAL);
    // Of a local folder: no .crc files beside the catalog's.
    fileSystem.setWriteChecksum(false);
  }

  /**
   * Opens the campaign in a folder, or prepares a new one there; writes nothing.
   *
   * @param output the folder
   * @param wanted what the campaign is to be; a null id takes that of the folder's campaign, or
   *     else the folder's name
   * @param changesAllowed whether it may have been begun with another configuration or version
   * @throws Refused where the folder cannot hold this campaign
   */
  static Campaign openOrPrepare(
      String output, Identity wanted, boolean changesAllowed, Configuration hadoop) {
    try {
      Path folder = qualified(output, hadoop);
      FileSystem fileSystem = folder.getFileSystem(hadoop);
      JsonNode json = read(fileSystem, folder);
      if (json == null) {
        refuseUnlessFree(fileSystem, folder);
        return new Campaign(folder, fileSystem, named(wanted, folder.getName()), List.of());
      }
      Identity found = identity(json);
      refuseOther(output, wanted, found);
      List<Former> former = former(json);
      Former before = new Former(found.configurationHash(), found.version());
      Former now = new Former(wanted.configurationHash(), wanted.version());
      if (now.equals(before)) {
        return new Campaign(folder, fileSystem, found, former);
      }
      if (!changesAllowed) {
        throw changed(output, found, wanted);
      }
      former.remove(now);
      former.remove(before);
      former.add(before);
      return new Campaign(
          folder,
          fileSystem,
          new Identity(
              found.id(),
              found.instrument(),
              wanted.configurationHash(),
              wanted.version(),
              found.created()),
          former);
    } catch (IOException e) {
      throw new Refused("--output %s cannot be read: %s".formatted(output, e.getMessage()), e);
    }
  }

  private static void refuseOther(String output, Identity wanted, Identity found) {
    if (wanted.id() != null && !wanted.id().equals(found.id())) {
      throw new Refused(
          "--output %s holds the campaign '%s', not '%s'; give --campaign %s or another --output"
              .formatted(output, found.id(), wanted.id(), found.id()));
    }
    if (!wanted.instrument().equals(found.instrument())) {
      throw new Refused(
          "--output %s: campaign '%s' was begun with the instrument '%s', not '%s'; give --instrument %s or another --output"
              .formatted(
                  output, found.id(), found.instrument(), wanted.instrument(), found.instrument()));
    }
  }

  private static Refused changed(String output, Identity found, Identity wanted) {
    if (!wanted.configurationHash().equals(found.configurationHash())) {
      return new Refused(
          "--output %s: campaign '%s' has the configuration %s, the one given now is %s; give the same --config and --set as before, another --output, or --allow-changes for a campaign of both"
              .formatted(
                  output, found.id(), found.configurationHash(), wanted.configurationHash()));
    }
    return new Refused(
        "--output %s: campaign '%s' is of version %s of Starmill, this is %s; go on with that version, give another --output, or --allow-changes for a campaign of both"
            .formatted(output, found.id(), found.version(), wanted.version()));
  }

  /**
   * Opens a campaign that is there.
   *
   * @throws Refused where the folder holds none
   */
  public static Campaign open(String output, Configuration hadoop) {
    try {
      Path folder = qualified(output, hadoop);
      FileSystem fileSystem = folder.getFileSystem(hadoop);
      JsonNode found = read(fileSystem, folder);
      if (found == null) {
        throw new Refused(
            "--output %s holds no campaign: there is no %s in it; give the --output of a 'starmill run'"
                .formatted(output, IDENTITY_FILE));
      }
      return new Campaign(folder, fileSystem, identity(found), former(found));
    } catch (IOException e) {
      throw new Refused("--output %s cannot be read: %s".formatted(output, e.getMessage()), e);
    }
  }

  private static Path qualified(String output, Configuration hadoop) throws IOException {
    try {
      Path path = new Path(output);
      FileSystem fileSystem = path.getFileSystem(hadoop);
      GivenPath.refuseRelativeInCluster("--output", path, fileSystem);
      return fileSystem.makeQualified(path);
    } catch (Refused relative) {
      throw relative;
    } catch (RuntimeException noPlace) {
      throw new Refused(
          "--output '%s': %s; give a folder of file:, hdfs: or another Hadoop file system"
              .formatted(output, Inputs.cause(noPlace)),
          noPlace);
    }
  }

  private static Identity named(Identity wanted, String otherwise) {
    return wanted.id() != null
        ? wanted
        : new Identity(
            otherwise,
            wanted.instrument(),
            wanted.configurationHash(),
            wanted.version(),
            wanted.created());
  }

  private static JsonNode read(FileSystem fileSystem, Path folder) throws IOException {
    try (InputStream in = fileSystem.open(new Path(folder, IDENTITY_FILE))) {
      return JSON.readTree(in);
    } catch (FileNotFoundException absent) {
      return null;
    }
  }

  private static Identity identity(JsonNode json) {
    return new Identity(
        json.path("campaign").asText(),
        json.path("instrument").asText(),
        json.path("configuration_hash").asText(),
        json.path("software_version").asText(),
        json.path("created").asText());
  }

  private static List<Former> former(JsonNode json) {
    List<Former> former = new ArrayList<>();
    for (JsonNode one : json.path("former")) {
      former.add(
          new Former(
              one.path("configuration_hash").asText(), one.path("software_version").asText()));
    }
    return former;
  }

  private static void refuseUnlessFree(FileSystem fileSystem, Path folder) throws IOException {
    Path existing = folder;
    while (existing != null && !fileSystem.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null) {
      throw new Refused("--output %s: its file system has no root".formatted(folder));
    }
    FileStatus status = fileSystem.getFileStatus(existing);
    if (!status.isDirectory()) {
      throw new Refused(
          "--output %s: %s is a file; give a folder that is new or empty"
              .formatted(folder, existing));
    }
    if (existing.equals(folder)) {
      for (FileStatus child : fileSystem.listStatus(folder)) {
        if (!child.getPath().getName().startsWith("_")) {
          throw new Refused(
              "--output %s is no campaign and not empty (it holds %s); give a folder that is new, empty or a campaign's"
                  .formatted(folder, child.getPath().getName()));
        }
      }
    }
    try {
      fileSystem.access(existing, FsAction.WRITE);
    } catch (AccessControlException denied) {
      throw new Refused(
          "--output %s cannot be written: no permission to write in %s; give another --output"
              .formatted(folder, existing),
          denied);
    }
  }

  /** Whether the folder holds this campaign already, maybe as it was before a change. */
  boolean isThere() {
    try {
      return fileSystem.exists(new Path(folder, IDENTITY_FILE));
    } catch (IOException e) {
      throw new Refused("--output %s cannot be read: %s".formatted(folder, e.getMessage()), e);
    }
  }

  /**
   * Takes the folder for this run, makes it and writes whose it is, where that is not done yet.
   *
   * @throws Refused where the folder cannot be written, or another run is at work there
   */
  void establish() {
    boolean takenBefore = lease.isHeld();
    lease.take(waiting -> {});
    try {
      JsonNode there = read(fileSystem, folder);
      if (there != null && !takenBefore) {
        throw new Refused(
            "--output %s: another run has begun a campaign there at this moment; give the command again to go on with it"
                .formatted(folder));
      }
      if (there != null && identity(there).equals(identity) && former(there).equals(former)) {
        return;
      }
      String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json()) + "\n";
      place.put(
          new Path(folder, IDENTITY_FILE),
          new Path(staging(), IDENTITY_FILE),
          out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new Refused(
          "--output %s cannot be written: %s; give another --output"
              .formatted(folder, e.getMessage()),
          e);
    }
  }

  private ObjectNode json() {
    ObjectNode json = JSON.createObjectNode();
    json.put("campaign", identity.id());
    json.put("instrument", identity.instrument());
    json.put("configuration_hash", identity.configurationHash());
    json.put("software_version", identity.version());
    json.put("created", identity.created());
    if (!former.isEmpty()) {
      ArrayNode list = json.putArray("former");
      for (Former one : former) {
        list.addObject()
            .put("configuration_hash", one.configurationHash())
            .put("software_version", one.version());
      }
    }
    return json;
  }

  public Identity identity() {
    return identity;
  }

  /** What earlier images were reduced with, the latest last; empty where all have the same. */
  public List<Former> former() {
    return former;
  }

  /** What keeps other runs out of the folder. */
  Lease lease() {
    return lease;
  }

  /** How files come into their places here. */
  Place place() {
    return place;
  }

  public Path folder() {
    return folder;
  }

  /** One row a frame: folders of Parquet files, one for each time that frames were added. */
  Path plan() {
    return new Path(folder, "plan");
  }

  /** The masters as FITS files, and {@code masters.parquet} with a row for each. */
  public Path masters() {
    return new Path(folder, "masters");
  }

  /** One row a star: a folder with one file for each batch. */
  public Path sources() {
    return new Path(folder, "sources");
  }

  /** One row an image, the ledger: a file for each batch. */
  public Path exposures() {
    return new Path(folder, "exposures");
  }

  /** What is being written and counts for nothing yet. */
  Path staging() {
    return new Path(folder, "_staging");
  }

  /** Batches that are decided upon and not wholly in their places. */
  Path decisions() {
    return new Path(folder, "_commit");
  }

  /**
   * The batches that are decided upon and not wholly in their places: one while a batch is
   * committed, and what a run left that was stopped just then. The next run brings them there.
   */
  public List<String> unfinishedBatches() throws IOException {
    List<String> names = new ArrayList<>();
    try {
      for (FileStatus decision : fileSystem.listStatus(decisions())) {
        names.add(Ledger.batchOf(decision.getPath().getName()));
      }
    } catch (FileNotFoundException none) {
      return List.of();
    }
    return names;
  }

  FileSystem fileSystem() {
    return fileSystem;
  }

  /** Whether a table's folder holds a Parquet file, at any depth. */
  boolean hasRows(Path table) {
    try {
      if (!fileSystem.exists(table)) {
        return false;
      }
      var files = fileSystem.listFiles(table, true);
      while (files.hasNext()) {
        if (files.next().getPath().getName().endsWith(".parquet")) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException("%s cannot be listed".formatted(table), e);
    }
  }

  /** Moves a file or folder into its place, where nothing stands. */
  void rename(Path from, Path to) throws IOException {
    fileSystem.mkdirs(to.getParent());
    if (fileSystem.exists(to)) {
      // A folder would be moved into the one that is there, and its rows be counted twice.
      throw new IOException(
          "%s is there already: expected a free place; let no two runs work in %s at the same time"
              .formatted(to, folder));
    }
    if (!fileSystem.rename(from, to)) {
      throw new IOException("%s could not be renamed to %s".formatted(from, to));
    }
  }
}
