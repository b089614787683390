package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

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
  private final Set<String> walked = new HashSet<>();
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
    } catch (IOException | RuntimeException noPlace) {
      throw new Refused(
          "--input '%s': %s; use a path of file:, hdfs: or another Hadoop file system on the class path"
              .formatted(input, cause(noPlace)),
          noPlace);
    }
    try {
      add(input, path, fileSystem);
    } catch (Refused refused) {
      throw refused;
    } catch (IOException | RuntimeException unreadable) {
      throw new Refused(
          "--input %s cannot be listed: %s; see that it can be reached and read, or give another"
              .formatted(input, cause(unreadable)),
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

  /** What a file system says, and of one without its jar which class is missing. */
  static String cause(Throwable failure) {
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return first instanceof ClassNotFoundException
        ? "%s: the jar of this file system (for s3a that is hadoop-aws) is not on the class path"
            .formatted(first.getMessage())
        : String.valueOf(first.getMessage());
  }

  private static FileStatus status(FileSystem fileSystem, Path path) throws IOException {
    try {
      return fileSystem.getFileStatus(path);
    } catch (FileNotFoundException absent) {
      return null;
    }
  }

  /** Walks a folder; links to folders come last, so that a frame has its own path where it can. */
  private void walk(FileSystem fileSystem, Path folder) throws IOException {
    String root = fileSystem.makeQualified(folder).toString();
    Deque<Path> folders = new ArrayDeque<>(List.of(fileSystem.makeQualified(folder)));
    while (!folders.isEmpty()) {
      Path next = folders.removeFirst();
      java.nio.file.Path local = local(next);
      if (!walked.add(local == null ? next.toString() : local.toRealPath().toString())) {
        continue;
      }
      for (FileStatus child : fileSystem.listStatus(next)) {
        java.nio.file.Path place = local(child.getPath());
        if (!child.isDirectory()) {
          take(child, below(root, child.getPath()));
        } else if (place != null && Files.isSymbolicLink(place)) {
          folders.addLast(child.getPath());
        } else {
          folders.addFirst(child.getPath());
        }
      }
      if (local != null) {
        takeDangling(local, root);
      }
    }
  }

  /** Hadoop passes over links that lead nowhere: they are taken, so that each becomes a row. */
  private void takeDangling(java.nio.file.Path folder, String root) throws IOException {
    try (Stream<java.nio.file.Path> children = Files.list(folder)) {
      for (java.nio.file.Path child : (Iterable<java.nio.file.Path>) children::iterator) {
        if (Files.isSymbolicLink(child) && !Files.exists(child)) {
          Path path = new Path("file", null, child.toString());
          take(new FileStatus(0, false, 1, 1, 0, path), below(root, path));
        }
      }
    }
  }

  private static String below(String root, Path file) {
    String path = file.toString();
    return path.startsWith(root) ? path.substring(root.length()) : path;
  }

  /** A folder or file of this machine; null for one of another file system. */
  private static java.nio.file.Path local(Path path) {
    return "file".equals(path.toUri().getScheme())
        ? java.nio.file.Path.of(path.toUri().getPath())
        : null;
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
