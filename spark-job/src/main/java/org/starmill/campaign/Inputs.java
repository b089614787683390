package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Lists the FITS files that the inputs of a campaign name.
 *
 * <p>A folder is walked to its leaves and gives the files that are named as FITS files are; a
 * pattern gives the same of what it matches; a file named by itself is taken whatever its name.
 * Hidden files and folders (a first letter {@code .} or {@code _}) and the campaign's own output
 * are left out.
 */
final class Inputs {
  private static final Pattern FITS_NAME =
      Pattern.compile(".*\\.(fits|fit|fts)(\\.(gz|bz2|fz|z))?", Pattern.CASE_INSENSITIVE);

  /**
   * A file of the input.
   *
   * @param path with scheme, as {@code file:/data/n1/d1001.fits}
   * @param length bytes
   */
  record InputFile(String path, long length) implements java.io.Serializable {}

  private final Configuration hadoop;
  private final String excluded;
  private final TreeMap<String, InputFile> found = new TreeMap<>();

  private Inputs(Configuration hadoop, Path output) throws IOException {
    this.hadoop = hadoop;
    this.excluded = output.getFileSystem(hadoop).makeQualified(output).toString() + "/";
  }

  /**
   * Lists all files of the given inputs, each once, sorted by path.
   *
   * @param inputs folders, patterns or files, of any Hadoop file system
   * @param output folder whose content is never input
   * @throws Refused where an input is not there, or all of them hold no FITS file
   */
  static List<InputFile> list(List<String> inputs, Path output, Configuration hadoop) {
    try {
      Inputs listing = new Inputs(hadoop, output);
      for (String input : inputs) {
        listing.add(input);
      }
      if (listing.found.isEmpty()) {
        throw new Refused(
            "no FITS file found in --input %s: expected names that end in .fits, .fit or .fts, with or without .gz, .bz2, .fz or .Z"
                .formatted(String.join(" ", inputs)));
      }
      return List.copyOf(listing.found.values());
    } catch (IOException e) {
      throw new Refused("--output %s cannot be looked up: %s".formatted(output, e.getMessage()), e);
    }
  }

  private void add(String input) {
    Path path;
    FileSystem fileSystem;
    try {
      path = new Path(input);
      fileSystem = path.getFileSystem(hadoop);
    } catch (IOException | IllegalArgumentException noPlace) {
      throw new Refused(
          "--input '%s': %s; use a path of file:, hdfs: or another Hadoop file system on the class path"
              .formatted(input, noPlace.getMessage()),
          noPlace);
    }
    try {
      add(input, path, fileSystem);
    } catch (IOException unreadable) {
      throw new Refused(
          "--input %s cannot be listed: %s; see that it can be reached and read, or give another"
              .formatted(input, unreadable.getMessage()),
          unreadable);
    }
  }

  private void add(String input, Path path, FileSystem fileSystem) throws IOException {
    FileStatus itself = status(fileSystem, path);
    if (itself != null) {
      if (itself.isDirectory()) {
        walk(fileSystem, itself.getPath());
      } else {
        found.put(itself.getPath().toString(), inputFile(itself));
      }
      return;
    }
    FileStatus[] matches = fileSystem.globStatus(path);
    if (matches == null || matches.length == 0) {
      throw new Refused(
          "--input %s: no such file or folder, and nothing matches it as a pattern"
              .formatted(input));
    }
    for (FileStatus match : matches) {
      if (match.isDirectory()) {
        walk(fileSystem, match.getPath());
      } else {
        take(match, match.getPath().getName());
      }
    }
  }

  private static FileStatus status(FileSystem fileSystem, Path path) throws IOException {
    try {
      return fileSystem.getFileStatus(path);
    } catch (FileNotFoundException absent) {
      return null;
    }
  }

  private void walk(FileSystem fileSystem, Path folder) throws IOException {
    String root = fileSystem.makeQualified(folder).toString();
    RemoteIterator<LocatedFileStatus> files = fileSystem.listFiles(folder, true);
    while (files.hasNext()) {
      FileStatus file = files.next();
      String path = file.getPath().toString();
      take(file, path.startsWith(root) ? path.substring(root.length()) : path);
    }
  }

  private void take(FileStatus file, String below) {
    String path = file.getPath().toString();
    for (String part : below.split("/")) {
      if (part.startsWith(".") || part.startsWith("_")) {
        return;
      }
    }
    if (FITS_NAME.matcher(file.getPath().getName()).matches() && !path.startsWith(excluded)) {
      found.put(path, inputFile(file));
    }
  }

  private static InputFile inputFile(FileStatus file) {
    return new InputFile(file.getPath().toString(), file.getLen());
  }
}
