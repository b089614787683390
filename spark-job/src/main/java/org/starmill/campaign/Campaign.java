package org.starmill.campaign;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.security.AccessControlException;

/**
 * The folder of a campaign: where its plan, masters, sources and exposures stand, and whose it is.
 *
 * <p>The file {@code campaign.json} names the campaign and the configuration all of its images are
 * reduced with; a folder that belongs to another campaign or configuration is refused, and nothing
 * is written into it.
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
   * @param version of the software that began it
   * @param created time of that, UTC, ISO 8601
   */
  public record Identity(
      String id, String instrument, String configurationHash, String version, String created)
      implements Serializable {}

  private final Path folder;
  private final FileSystem fileSystem;
  private final Identity identity;

  private Campaign(Path folder, FileSystem fileSystem, Identity identity) {
    this.folder = folder;
    this.fileSystem = fileSystem;
    this.identity = identity;
    // Of a local folder: no .crc files beside the catalog's.
    fileSystem.setWriteChecksum(false);
  }

  /**
   * Opens the campaign in a folder, or prepares a new one there; writes nothing.
   *
   * @param output the folder
   * @param wanted what the campaign is to be; a null id takes that of the folder's campaign, or
   *     else the folder's name
   * @throws Refused where the folder cannot hold this campaign
   */
  static Campaign openOrPrepare(String output, Identity wanted, Configuration hadoop) {
    try {
      Path folder = qualified(output, hadoop);
      FileSystem fileSystem = folder.getFileSystem(hadoop);
      Identity found = read(fileSystem, folder);
      if (found == null) {
        refuseUnlessFree(fileSystem, folder);
        return new Campaign(folder, fileSystem, named(wanted, folder.getName()));
      }
      if (wanted.id() != null && !wanted.id().equals(found.id())) {
        throw new Refused(
            "--output %s holds the campaign '%s', not '%s'; give --campaign %s or another --output"
                .formatted(output, found.id(), wanted.id(), found.id()));
      }
      if (!wanted.instrument().equals(found.instrument())) {
        throw new Refused(
            "--output %s: campaign '%s' was begun with the instrument '%s', not '%s'; give --instrument %s or another --output"
                .formatted(
                    output,
                    found.id(),
                    found.instrument(),
                    wanted.instrument(),
                    found.instrument()));
      }
      if (!wanted.configurationHash().equals(found.configurationHash())) {
        throw new Refused(
            "--output %s: campaign '%s' was begun with the configuration %s, the one given now is %s; give the same --config and --set as then, or another --output"
                .formatted(
                    output, found.id(), found.configurationHash(), wanted.configurationHash()));
      }
      return new Campaign(folder, fileSystem, found);
    } catch (IOException e) {
      throw new Refused("--output %s cannot be read: %s".formatted(output, e.getMessage()), e);
    }
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
      Identity found = read(fileSystem, folder);
      if (found == null) {
        throw new Refused(
            "--output %s holds no campaign: there is no %s in it; give the --output of a 'starmill run'"
                .formatted(output, IDENTITY_FILE));
      }
      return new Campaign(folder, fileSystem, found);
    } catch (IOException e) {
      throw new Refused("--output %s cannot be read: %s".formatted(output, e.getMessage()), e);
    }
  }

  private static Path qualified(String output, Configuration hadoop) throws IOException {
    try {
      Path path = new Path(output);
      return path.getFileSystem(hadoop).makeQualified(path);
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

  private static Identity read(FileSystem fileSystem, Path folder) throws IOException {
    Path file = new Path(folder, IDENTITY_FILE);
    JsonNode json;
    try (InputStream in = fileSystem.open(file)) {
      json = JSON.readTree(in);
    } catch (FileNotFoundException absent) {
      return null;
    }
    return new Identity(
        json.path("campaign").asText(),
        json.path("instrument").asText(),
        json.path("configuration_hash").asText(),
        json.path("software_version").asText(),
        json.path("created").asText());
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

  /**
   * Makes the folder and writes whose it is, where that is not done yet.
   *
   * @throws Refused where the folder cannot be written
   */
  void establish() {
    Path file = new Path(folder, IDENTITY_FILE);
    ObjectNode json = JSON.createObjectNode();
    json.put("campaign", identity.id());
    json.put("instrument", identity.instrument());
    json.put("configuration_hash", identity.configurationHash());
    json.put("software_version", identity.version());
    json.put("created", identity.created());
    try {
      if (fileSystem.exists(file)) {
        return;
      }
      fileSystem.mkdirs(staging());
      Path draft = new Path(staging(), IDENTITY_FILE);
      try (OutputStream out = fileSystem.create(draft, true)) {
        out.write(
            (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n")
                .getBytes(StandardCharsets.UTF_8));
      }
      rename(draft, file);
    } catch (IOException e) {
      throw new Refused(
          "--output %s cannot be written: %s; give another --output"
              .formatted(folder, e.getMessage()),
          e);
    }
  }

  public Identity identity() {
    return identity;
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

  /** One row a star: a folder for each batch. */
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

  /** Moves a file or folder into its place, where nothing stands; the one atomic step there is. */
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
