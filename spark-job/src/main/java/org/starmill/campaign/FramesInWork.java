package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Keeps account of the frames that are in work, so that one is known that ends the process.
 *
 * <p>Before a task opens a frame it makes an empty file, a mark, in the campaign's folder, and
 * removes it when the frame has its row. A mark whose process is gone, with an earlier run or with
 * an executor that the driver has seen leave, tells that the frame was in work when the process
 * ended. Such a frame is tried a second time with nothing beside it in the process; when that ends,
 * too, it is set aside.
 */
final class FramesInWork implements AutoCloseable {
  /** So often a frame may be in work when its process ends. */
  static final int TRIES = 2;

  /** The run of marks that count as if their process were gone. */
  private static final String OF_NO_RUN = "00000000";

  private static final Pattern MARK = Pattern.compile("(\\d+)\\.([0-9a-f]{8})\\.(.+)\\.(\\d+)");
  private static final Pattern GONE = Pattern.compile("gone\\.([0-9a-f]{8})\\.(.+)");

  /** A mark, as its name tells. */
  private record Mark(long exposureId, String run, String executor, long attempt) {
    static Mark of(String name) {
      Matcher parts = MARK.matcher(name);
      return parts.matches()
          ? new Mark(
              Long.parseLong(parts.group(1)),
              parts.group(2),
              parts.group(3),
              Long.parseLong(parts.group(4)))
          : null;
    }

    String name() {
      return "%d.%s.%s.%d".formatted(exposureId, run, executor, attempt);
    }
  }

  private final SparkContext context;
  private final FileSystem fileSystem;
  private final Path folder;
  private final String run = UUID.randomUUID().toString().substring(0, 8);
  private final Leaving leaving = new Leaving();

  /** Begins to keep account for a run; its marks are told from those of earlier runs. */
  FramesInWork(SparkContext context, Campaign campaign) {
    this.context = context;
    this.fileSystem = campaign.fileSystem();
    this.folder = new Path(campaign.folder(), "_working");
    context.addSparkListener(leaving);
  }

  /**
   * How often each frame was in work when its process ended; those that never were are left out.
   */
  Map<Long, Integer> timesLost() throws IOException {
    return timesLost(list(fileSystem, folder), run);
  }

  private static Map<Long, Integer> timesLost(List<String> names, String run) {
    Set<String> gone = new HashSet<>();
    for (String name : names) {
      Matcher executor = GONE.matcher(name);
      if (executor.matches()) {
        gone.add(executor.group(1) + "." + executor.group(2));
      }
    }
    Map<Long, Set<String>> ends = new HashMap<>();
    for (String name : names) {
      Mark mark = Mark.of(name);
      if (mark == null) {
        continue;
      }
      String executor = mark.run() + "." + mark.executor();
      if (gone.contains(executor)) {
        ends.computeIfAbsent(mark.exposureId(), id -> new HashSet<>()).add(executor);
      } else if (!mark.run().equals(run)) {
        // All processes of a run end with it, and two of them may have had the frame in work:
        // speculation gives a task that is slow to a second one. That was one end, not two.
        ends.computeIfAbsent(mark.exposureId(), id -> new HashSet<>())
            .add(mark.run().equals(OF_NO_RUN) ? mark.name() : mark.run());
      }
    }
    Map<Long, Integer> times = new HashMap<>();
    ends.forEach((exposureId, of) -> times.put(exposureId, of.size()));
    return times;
  }

  private static List<String> list(FileSystem fileSystem, Path folder) throws IOException {
    List<String> names = new ArrayList<>();
    try {
      for (FileStatus file : fileSystem.listStatus(folder)) {
        names.add(file.getPath().getName());
      }
    } catch (FileNotFoundException none) {
      return List.of();
    }
    return names;
  }

  /** What the tasks of this run keep it with. */
  Account account(Broadcast<SerializableConfiguration> hadoop) {
    return new Account(folder.toString(), run, hadoop);
  }

  /** Forgets what was known of frames that have their rows. */
  void forget(Collection<Long> exposureIds) throws IOException {
    leaving.check();
    Set<Long> done = new HashSet<>(exposureIds);
    for (String name : list(fileSystem, folder)) {
      Mark mark = Mark.of(name);
      if (mark != null && done.contains(mark.exposureId())) {
        fileSystem.delete(new Path(folder, name), false);
      }
    }
  }

  /** Ends a run that has come to its end: nothing is in work. */
  void forgetAll() throws IOException {
    fileSystem.delete(folder, true);
  }

  @Override
  public void close() {
    context.removeSparkListener(leaving);
  }

  /** Writes down which executors are gone. */
  private final class Leaving extends SparkListener {
    private IOException failure;

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
      if (context.isStopped()) {
        // They leave since the run ends, which counts by itself.
        return;
      }
      try {
        touch(fileSystem, new Path(folder, "gone." + run + "." + removed.executorId()));
      } catch (IOException e) {
        fail(e);
      }
    }

    private synchronized void fail(IOException e) {
      failure = e;
    }

    private synchronized void check() throws IOException {
      if (failure != null) {
        throw failure;
      }
    }
  }

  private static void touch(FileSystem fileSystem, Path file) throws IOException {
    if (fileSystem instanceof LocalFileSystem local) {
      // Hadoop starts a chmod for every file that it makes on a local disk: 4 ms.
      java.nio.file.Path plain = local.pathToFile(file).toPath();
      Files.createDirectories(plain.getParent());
      Files.write(plain, new byte[0]);
    } else {
      fileSystem.create(file, true).close();
    }
  }

  /** A mark cannot be written or removed: that ends the task. */
  static final class Unwritable extends UncheckedIOException {
    private static final long serialVersionUID = 1L;

    private Unwritable(Path mark, IOException cause) {
      super(
          "the mark %s of a frame in work cannot be kept: %s".formatted(mark, cause.getMessage()),
          cause);
    }
  }

  /** What travels to the tasks. */
  record Account(String folder, String run, Broadcast<SerializableConfiguration> hadoop)
      implements Serializable {

    /** The account of the calling task. */
    Marks open() {
      return new Marks(this, hadoop.value().value());
    }
  }

  /** The marks of one task. */
  static final class Marks implements AutoCloseable {
    /** How Spark calls the driver where it runs tasks itself. */
    private static final String DRIVER = "driver";

    /** Its open marks. */
    private static final Set<Marks> OF_THE_DRIVER = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final FileSystem fileSystem;
    private final String run;
    private final String executor = SparkEnv.get().executorId();
    private final TaskContext task = TaskContext.get();
    private final Map<Long, Path> open = new ConcurrentHashMap<>();

    private Marks(Account account, Configuration hadoop) {
      this.folder = new Path(account.folder());
      this.run = account.run();
      try {
        this.fileSystem = folder.getFileSystem(hadoop);
      } catch (IOException e) {
        throw new Unwritable(folder, e);
      }
      if (executor.equals(DRIVER)) {
        ByTheUser.INSTALLED.run();
        OF_THE_DRIVER.add(this);
      }
    }

    /**
     * How often each of the items' frames was in work when its process ended, and 0 for those that
     * are or were in work in another attempt of this task, of which nothing is known yet.
     */
    Map<Long, Integer> suspects(Collection<WorkItem> items) {
      Map<Long, Integer> lost = new HashMap<>();
      for (WorkItem item : items) {
        if (item.timesLost() > 0) {
          lost.put(item.frame().exposureId(), item.timesLost());
        }
      }
      return suspects(lost);
    }

    /**
     * The same of any frames.
     *
     * @param lost how often each of them was in work when its process ended, before this job
     */
    Map<Long, Integer> suspects(Map<Long, Integer> lost) {
      Map<Long, Integer> suspects = new HashMap<>(lost);
      if (task.attemptNumber() > 0) {
        List<String> names;
        try {
          names = list(fileSystem, folder);
        } catch (IOException e) {
          throw new Unwritable(folder, e);
        }
        for (String name : names) {
          Mark mark = Mark.of(name);
          if (mark != null) {
            suspects.putIfAbsent(mark.exposureId(), 0);
          }
        }
        suspects.putAll(timesLost(names, run));
      }
      return suspects;
    }

    /** Marks a frame that is going to be opened; nothing where it is marked. */
    void begin(PlannedFrame frame) {
      begin(frame.exposureId());
    }

    /** Marks a frame by its number. */
    void begin(long exposureId) {
      Mark mark = new Mark(exposureId, run, executor, task.taskAttemptId());
      Path file = new Path(folder, mark.name());
      if (open.putIfAbsent(exposureId, file) == null) {
        try {
          touch(fileSystem, file);
        } catch (IOException e) {
          open.remove(exposureId);
          throw new Unwritable(file, e);
        }
      }
    }

    /** Writes down that a frame is no better than one that ended its process. */
    void blame(PlannedFrame frame) {
      Path file =
          new Path(
              folder,
              new Mark(frame.exposureId(), OF_NO_RUN, executor, task.taskAttemptId()).name());
      try {
        touch(fileSystem, file);
      } catch (IOException e) {
        throw new Unwritable(file, e);
      }
    }

    /** Removes the mark of a frame. */
    void end(PlannedFrame frame) {
      end(frame.exposureId());
    }

    /** Removes the mark of a frame by its number. */
    void end(long exposureId) {
      Path file = open.remove(exposureId);
      if (file != null) {
        remove(file);
      }
    }

    private void remove(Path file) {
      // A thread that is told to stop cannot speak to a remote disk until it has put that off.
      boolean interrupted = Thread.interrupted();
      try {
        fileSystem.delete(file, false);
      } catch (IOException e) {
        throw new Unwritable(file, e);
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    /** Removes all marks of this task. */
    @Override
    public void close() {
      OF_THE_DRIVER.remove(this);
      for (Long exposureId : open.keySet()) {
        Path file = open.remove(exposureId);
        if (file != null) {
          remove(file);
        }
      }
    }
  }

  /** Removes the marks of a driver that is told to end, from outside: no frame is to blame. */
  private static final class ByTheUser {
    /** Before Spark's own hooks, which close the file systems. */
    private static final int PRIORITY = FileSystem.SHUTDOWN_HOOK_PRIORITY + 60;

    static final Runnable INSTALLED = install();

    private static Runnable install() {
      ShutdownHookManager.get()
          .addShutdownHook(() -> List.copyOf(Marks.OF_THE_DRIVER).forEach(Marks::close), PRIORITY);
      return () -> {};
    }
  }
}
