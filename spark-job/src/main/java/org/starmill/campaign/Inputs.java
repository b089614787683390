package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobFilter;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Lists the FITS files that the inputs of a campaign name.
 *
 * <p>A folder is walked to its leaves and gives the files that are named as FITS files are; a
 * pattern gives the same of what it matches; a file named by itself is taken whatever its name.
 * Hidden files and folders (a first letter {@code .} or {@code _}) and the campaign's own output
 * are left out.
 *
 * <p>Spark tasks list the folders, one level of the tree after the other; the driver holds the
 * inputs as they were given and counts. Links to folders are followed when all others have been
 * walked, so that a frame has its own path where it can, and no folder is walked twice.
 */
final class Inputs implements AutoCloseable {
  private static final Pattern FITS_NAME =
      Pattern.compile(".*\\.(fits|fit|fts)(\\.(gz|bz2|fz|z))?", Pattern.CASE_INSENSITIVE);

  private static final int FOLDERS_A_TASK = 16;
  private static final int MOST_TASKS = 10_000;

  static final StructType SCHEMA =
      new StructType()
          .add("path", DataTypes.StringType, false)
          .add("file_length", DataTypes.LongType, false);

  /**
   * A file of the input.
   *
   * @param path with scheme, as {@code file:/data/n1/d1001.fits}
   * @param length bytes
   */
  record InputFile(String path, long length) implements Serializable {}

  /**
   * A folder to be listed.
   *
   * @param path by which it was come to
   * @param real the same without links
   * @param root path of the folder that is walked, which may be hidden; what is below may not
   * @param patterns of names that are left to be matched below it; empty where it is walked
   * @param input position among the inputs
   */
  private record Folder(String path, String real, String root, List<String> patterns, int input)
      implements Serializable {

    String key() {
      return patterns.isEmpty() ? real : real + "\0" + String.join("/", patterns);
    }

    static Folder walked(String path, String real, int input) {
      return new Folder(path, real, path, List.of(), input);
    }
  }

  /** One thing that a listing found; all but one field of it are null. */
  private record Found(
      String listed, Folder folder, Folder link, InputFile file, Integer matched, String failure)
      implements Serializable {

    static Found listed(String key) {
      return new Found(key, null, null, null, null, null);
    }

    static Found folder(Folder folder) {
      return new Found(null, folder, null, null, null, null);
    }

    static Found link(Folder link) {
      return new Found(null, null, link, null, null, null);
    }

    static Found file(InputFile file) {
      return new Found(null, null, null, file, null, null);
    }

    static Found matched(int input) {
      return new Found(null, null, null, null, input, null);
    }

    static Found failure(String failure) {
      return new Found(null, null, null, null, null, failure);
    }
  }

  /** Counts of one level of the tree. */
  private static final class Level implements Serializable {
    private static final long serialVersionUID = 1L;

    private long files;
    private long folders;
    private long links;
    private final Set<Integer> matched = new HashSet<>();
    private String failure;

    Level with(Found found) {
      files += found.file() == null ? 0 : 1;
      folders += found.folder() == null ? 0 : 1;
      links += found.link() == null ? 0 : 1;
      if (found.matched() != null) {
        matched.add(found.matched());
      }
      if (found.failure() != null && failure == null) {
        failure = found.failure();
      }
      return this;
    }

    Level with(Level other) {
      files += other.files;
      folders += other.folders;
      links += other.links;
      matched.addAll(other.matched);
      failure = failure == null ? other.failure : failure;
      return this;
    }
  }

  private final SparkSession spark;
  private final JavaSparkContext context;
  private final List<String> inputs;
  private final Broadcast<SerializableConfiguration> hadoop;
  private final String excluded;
  private final List<JavaRDD<Found>> levels = new ArrayList<>();
  private final List<InputFile> named = new ArrayList<>();
  private long found;

  private Inputs(SparkSession spark, List<String> inputs, Path output) throws IOException {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    this.spark = spark;
    this.context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    this.inputs = inputs;
    this.hadoop = context.broadcast(new SerializableConfiguration(configuration));
    this.excluded = output.getFileSystem(configuration).makeQualified(output).toString() + "/";
  }

  /**
   * Lists all files of the given inputs.
   *
   * @param inputs folders, patterns or files, of any Hadoop file system
   * @param output folder whose content is never input
   * @return the listing, to be closed when its files are no longer needed
   * @throws Refused where an input is not there, or all of them hold no FITS file
   */
  static Inputs list(SparkSession spark, List<String> inputs, Path output) {
    Inputs listing;
    try {
      listing = new Inputs(spark, inputs, output);
    } catch (IOException e) {
      throw new Refused("--output %s cannot be looked up: %s".formatted(output, e.getMessage()), e);
    }
    try {
      listing.walk();
      if (listing.found == 0) {
        throw new Refused(
            "no FITS file found in --input %s: expected names that end in .fits, .fit or .fts, with or without .gz, .bz2, .fz or .Z"
                .formatted(String.join(" ", inputs)));
      }
      return listing;
    } catch (RuntimeException e) {
      listing.close();
      throw e;
    }
  }

  /** The files, each once, with columns {@link #SCHEMA}. */
  Dataset<Row> files() {
    JavaRDD<InputFile> files = context.parallelize(named, 1);
    for (JavaRDD<Found> level : levels) {
      files = files.union(level.filter(found -> found.file() != null).map(Found::file));
    }
    return spark
        .createDataFrame(files.map(file -> RowFactory.create(file.path(), file.length())), SCHEMA)
        .dropDuplicates("path");
  }

  @Override
  public void close() {
    levels.forEach(level -> level.unpersist(false));
    hadoop.destroy();
  }

  private void walk() {
    List<Folder> roots = new ArrayList<>();
    Set<Integer> unmatched = new HashSet<>();
    for (int input = 0; input < inputs.size(); input++) {
      if (!begin(input, roots)) {
        unmatched.add(input);
      }
    }
    JavaRDD<Folder> next = context.parallelize(roots, Math.max(1, roots.size() / FOLDERS_A_TASK));
    JavaRDD<String> listed = context.parallelize(List.of(), 1);
    JavaRDD<Folder> links = context.parallelize(List.of(), 1);
    found = named.size();
    long folders = roots.size();
    long toFollow = 0;
    while (folders > 0) {
      int tasks = tasks(folders);
      // Of two paths to a folder the first counts, and none where it has been listed.
      JavaRDD<Found> level =
          next.keyBy(Folder::key)
              .reduceByKey((a, b) -> a.path().compareTo(b.path()) <= 0 ? a : b, tasks)
              .subtractByKey(listed.keyBy(key -> key), tasks)
              .values()
              .mapPartitions(new Listing(excluded, hadoop))
              .persist(StorageLevel.MEMORY_AND_DISK_SER());
      levels.add(level);
      Level counts = level.aggregate(new Level(), Level::with, Level::with);
      if (counts.failure != null) {
        throw new Refused(counts.failure);
      }
      unmatched.removeAll(counts.matched);
      found += counts.files;
      listed = listed.union(level.filter(found -> found.listed() != null).map(Found::listed));
      links = links.union(level.filter(found -> found.link() != null).map(Found::link));
      toFollow += counts.links;
      next = level.filter(found -> found.folder() != null).map(Found::folder);
      folders = counts.folders;
      if (folders == 0 && toFollow > 0) {
        next = links;
        folders = toFollow;
        links = context.parallelize(List.of(), 1);
        toFollow = 0;
      }
    }
    for (int input : unmatched) {
      throw new Refused(
          "--input %s: no such file or folder, and nothing matches it as a pattern"
              .formatted(inputs.get(input)));
    }
  }

  /** At most as many tasks as keep all slots busy, or as a large tree is worth. */
  private int tasks(long folders) {
    int slots = SparkSessions.slots(spark.sparkContext());
    return (int) Math.min(Math.min(folders, MOST_TASKS), Math.max(slots, folders / FOLDERS_A_TASK));
  }

  /** Finds out what an input is; false where that is a pattern, which may match nothing. */
  private boolean begin(int input, List<Folder> roots) {
    String text = inputs.get(input);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    Path path;
    FileSystem fileSystem;
    try {
      path = new Path(text);
      fileSystem = path.getFileSystem(configuration);
    } catch (IOException | RuntimeException noPlace) {
      throw new Refused(
          "--input '%s': %s; use a path of file:, hdfs: or another Hadoop file system on the class path"
              .formatted(text, cause(noPlace)),
          noPlace);
    }
    GivenPath.refuseRelativeInCluster("--input", path, fileSystem);
    try {
      FileStatus itself = status(fileSystem, path);
      if (itself == null) {
        beginPatterns(input, fileSystem.makeQualified(path), roots);
        return false;
      }
      if (itself.isDirectory()) {
        Path folder = fileSystem.makeQualified(itself.getPath());
        roots.add(Folder.walked(folder.toString(), real(folder), input));
      } else {
        named.add(inputFile(itself));
      }
      return true;
    } catch (IOException | RuntimeException unreadable) {
      throw new Refused(unlistable(text, unreadable), unreadable);
    }
  }

  /** Cuts a pattern, or several in one, into the folder it begins in and a pattern a name. */
  private static void beginPatterns(int input, Path path, List<Folder> roots) throws IOException {
    for (String pattern : GlobExpander.expand(path.toUri().getPath())) {
      List<String> names = new ArrayList<>();
      for (String name : pattern.split("/")) {
        if (!name.isEmpty()) {
          names.add(name);
          // Says what is wrong with it before any task has to.
          new GlobFilter(name);
        }
      }
      int fixed = 0;
      while (fixed < names.size() - 1 && !new GlobFilter(names.get(fixed)).hasPattern()) {
        fixed++;
      }
      String base =
          new Path(
                  path.toUri().getScheme(),
                  path.toUri().getAuthority(),
                  "/" + String.join("/", names.subList(0, fixed)))
              .toString();
      roots.add(
          new Folder(base, base, base, new ArrayList<>(names.subList(fixed, names.size())), input));
    }
  }

  private static String unlistable(String input, Throwable failure) {
    return "--input %s cannot be listed: %s; see that it can be reached and read, or give another"
        .formatted(input, cause(failure));
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

  /** A folder or file of this machine; null for one of another file system. */
  private static java.nio.file.Path local(Path path) {
    return "file".equals(path.toUri().getScheme())
        ? java.nio.file.Path.of(path.toUri().getPath())
        : null;
  }

  /** A path without links, which only local ones have. */
  private static String real(Path path) throws IOException {
    java.nio.file.Path local = local(path);
    return local == null ? path.toString() : local.toRealPath().toString();
  }

  private static InputFile inputFile(FileStatus file) {
    return new InputFile(file.getPath().toString(), file.getLen());
  }

  /** Lists a task's folders. */
  private static final class Listing implements FlatMapFunction<Iterator<Folder>, Found> {
    private static final long serialVersionUID = 1L;

    private final String excluded;
    private final Broadcast<SerializableConfiguration> hadoop;

    Listing(String excluded, Broadcast<SerializableConfiguration> hadoop) {
      this.excluded = excluded;
      this.hadoop = hadoop;
    }

    @Override
    public Iterator<Found> call(Iterator<Folder> folders) {
      return new Iterator<>() {
        private Iterator<Found> found = List.<Found>of().iterator();

        @Override
        public boolean hasNext() {
          while (!found.hasNext() && folders.hasNext()) {
            found = list(folders.next()).iterator();
          }
          return found.hasNext();
        }

        @Override
        public Found next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          return found.next();
        }
      };
    }

    private List<Found> list(Folder folder) {
      List<Found> found = new ArrayList<>();
      found.add(Found.listed(folder.key()));
      try {
        Path path = new Path(folder.path());
        FileSystem fileSystem = path.getFileSystem(hadoop.value().value());
        if (folder.patterns().isEmpty()) {
          walk(folder, path, fileSystem, found);
        } else {
          match(folder, path, fileSystem, found);
        }
      } catch (IOException | RuntimeException unreadable) {
        found.add(Found.failure(unlistable(folder.path(), unreadable)));
      }
      return found;
    }

    private void match(Folder folder, Path path, FileSystem fileSystem, List<Found> found)
        throws IOException {
      GlobFilter pattern = new GlobFilter(folder.patterns().get(0));
      List<String> rest = new ArrayList<>(folder.patterns().subList(1, folder.patterns().size()));
      FileStatus[] children;
      try {
        children = fileSystem.listStatus(path);
      } catch (FileNotFoundException nothingToMatch) {
        return;
      }
      for (FileStatus child : children) {
        String name = child.getPath().getName();
        if (!pattern.accept(child.getPath()) || child.getPath().equals(path)) {
          continue;
        }
        String itself = child.getPath().toString();
        if (rest.isEmpty()) {
          found.add(Found.matched(folder.input()));
        }
        if (!child.isDirectory()) {
          if (rest.isEmpty()) {
            take(child, name, found);
          }
        } else if (rest.isEmpty()) {
          found.add(Found.folder(Folder.walked(itself, real(child.getPath()), folder.input())));
        } else {
          found.add(Found.folder(new Folder(itself, itself, itself, rest, folder.input())));
        }
      }
    }

    private void walk(Folder folder, Path path, FileSystem fileSystem, List<Found> found)
        throws IOException {
      for (FileStatus child : fileSystem.listStatus(path)) {
        java.nio.file.Path place = local(child.getPath());
        String itself = child.getPath().toString();
        String below = below(folder.root(), child.getPath());
        if (!child.isDirectory()) {
          take(child, below, found);
        } else if (!hidden(below) && !(itself + "/").equals(excluded)) {
          if (place != null && Files.isSymbolicLink(place)) {
            found.add(
                Found.link(
                    new Folder(
                        itself,
                        place.toRealPath().toString(),
                        folder.root(),
                        List.of(),
                        folder.input())));
          } else {
            String real = folder.real().endsWith("/") ? folder.real() : folder.real() + "/";
            found.add(
                Found.folder(
                    new Folder(
                        itself,
                        real + child.getPath().getName(),
                        folder.root(),
                        List.of(),
                        folder.input())));
          }
        }
      }
      java.nio.file.Path local = local(path);
      if (local != null) {
        takeDangling(local, folder.root(), found);
      }
    }

    /** Hadoop passes over links that lead nowhere: they are taken, so that each becomes a row. */
    private void takeDangling(java.nio.file.Path folder, String root, List<Found> found)
        throws IOException {
      try (Stream<java.nio.file.Path> children = Files.list(folder)) {
        for (java.nio.file.Path child : (Iterable<java.nio.file.Path>) children::iterator) {
          if (Files.isSymbolicLink(child) && !Files.exists(child)) {
            Path path = new Path("file", null, child.toString());
            take(new FileStatus(0, false, 1, 1, 0, path), below(root, path), found);
          }
        }
      }
    }

    private static String below(String root, Path file) {
      String path = file.toString();
      return path.startsWith(root) ? path.substring(root.length()) : path;
    }

    private static boolean hidden(String below) {
      return Arrays.stream(below.split("/"))
          .anyMatch(part -> part.startsWith(".") || part.startsWith("_"));
    }

    private void take(FileStatus file, String below, List<Found> found) {
      if (!hidden(below)
          && FITS_NAME.matcher(file.getPath().getName()).matches()
          && !file.getPath().toString().startsWith(excluded)) {
        found.add(Found.file(inputFile(file)));
      }
    }
  }
}
