package org.starmill.publish;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Serializable;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.IOUtils;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.campaign.Place;

/**
 * Puts staged files into their places, all of them, whatever happens on the way.
 *
 * <p>The steps are written to {@code _publish/switch.csv} first: once its last line, {@code end},
 * is there, they are decided upon. Whoever opens the catalog next takes all of them again from the
 * first; a step that was taken already changes nothing. A file is put into its place in one step
 * for its readers ({@link Place}): by a rename, or by a copy where an object store shows a file
 * when it is complete. Nothing rests on a rename there.
 */
final class Switchover {
  private static final String DECISION = "_publish/switch.csv";
  private static final String END = "end";

  /** Files that a task copies. */
  private static final int COPIES_A_TASK = 64;

  private static final int COPY_BYTES = 1 << 20;

  /** What is done with a file. */
  enum Kind {
    /** The staged file comes into its place. */
    PUT,
    /** The file is taken away until its staged successor comes. */
    WITHDRAW,
    /** The file is taken away. */
    DELETE
  }

  /**
   * A step.
   *
   * @param from the staged file, below the catalog's folder; empty for none
   * @param to the file's place, below the catalog's folder
   */
  record Step(Kind kind, String from, String to) implements Serializable {
    static Step put(String from, String to) {
      return new Step(Kind.PUT, from, to);
    }

    static Step withdraw(String from, String to) {
      return new Step(Kind.WITHDRAW, from, to);
    }

    static Step delete(String to) {
      return new Step(Kind.DELETE, "", to);
    }

    private static Step of(String line) {
      String[] words = line.split(",", 3);
      return new Step(Kind.valueOf(words[0]), words[1], words[2]);
    }

    private String line() {
      return kind + "," + from + "," + to;
    }
  }

  private final Path folder;
  private final FileSystem fileSystem;
  private final boolean copies;

  Switchover(Path folder, FileSystem fileSystem) throws IOException {
    this.folder = folder;
    this.fileSystem = fileSystem;
    this.copies = new Place(fileSystem, folder).isStraight();
  }

  /** Decides upon steps: from here on the staged files are the catalog. */
  void decide(List<Step> steps) throws IOException {
    try (Writer out =
        new BufferedWriter(
            new OutputStreamWriter(
                fileSystem.create(new Path(folder, DECISION), true), StandardCharsets.UTF_8))) {
      for (Step step : steps) {
        out.write(step.line() + "\n");
      }
      out.write(END + "\n");
    }
  }

  /**
   * Takes all steps that were decided upon.
   *
   * @return whether there were any
   */
  boolean finish(JavaSparkContext spark) throws IOException {
    List<Step> steps = decided();
    if (steps.isEmpty()) {
      return false;
    }
    List<Step> next = new ArrayList<>();
    for (Step step : steps) {
      if (step.kind() == Kind.PUT && copies) {
        next.add(step);
        continue;
      }
      copy(next, spark);
      take(step);
    }
    copy(next, spark);
    fileSystem.delete(new Path(folder, DECISION), false);
    return true;
  }

  /** The steps; none where there was no decision, or only the beginning of one. */
  private List<Step> decided() throws IOException {
    List<Step> steps = new ArrayList<>();
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                fileSystem.open(new Path(folder, DECISION)), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.equals(END)) {
          return steps;
        }
        steps.add(Step.of(line));
      }
    } catch (FileNotFoundException none) {
      return List.of();
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException cutOff) {
      return undecided();
    }
    return undecided();
  }

  private List<Step> undecided() throws IOException {
    fileSystem.delete(new Path(folder, DECISION), false);
    return List.of();
  }

  private void take(Step step) throws IOException {
    Path to = new Path(folder, step.to());
    switch (step.kind()) {
      case PUT -> rename(new Path(folder, step.from()), to);
      case DELETE -> fileSystem.delete(to, false);
      case WITHDRAW -> {
        // Where the successor has come already, it is not to be taken away.
        if (fileSystem.exists(new Path(folder, step.from()))) {
          fileSystem.delete(to, false);
        }
      }
    }
  }

  private void rename(Path from, Path to) throws IOException {
    if (!fileSystem.exists(from)) {
      if (!fileSystem.exists(to)) {
        throw new IOException(
            "%s: neither it nor its place %s holds a file; expected one of them; publish into a new --output"
                .formatted(from, to));
      }
      return;
    }
    Place.move(fileSystem, from, to);
  }

  private void copy(List<Step> steps, JavaSparkContext spark) throws IOException {
    if (steps.isEmpty()) {
      return;
    }
    if (steps.size() == 1) {
      copy(folder.toString(), steps.get(0), fileSystem.getConf());
    } else {
      Broadcast<SerializableConfiguration> hadoop =
          spark.broadcast(new SerializableConfiguration(fileSystem.getConf()));
      String root = folder.toString();
      spark
          .parallelize(List.copyOf(steps), Math.max(1, steps.size() / COPIES_A_TASK))
          .foreach(step -> copy(root, step, hadoop.value().value()));
      hadoop.destroy();
    }
    steps.clear();
  }

  private static void copy(String folder, Step step, Configuration hadoop) throws IOException {
    Path from = new Path(folder, step.from());
    Path to = new Path(folder, step.to());
    FileSystem fileSystem = to.getFileSystem(hadoop);
    try (InputStream in = fileSystem.open(from)) {
      new Place(fileSystem, to).put(to, from, out -> IOUtils.copyBytes(in, out, COPY_BYTES, false));
    }
  }
}
