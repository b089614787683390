package org.starmill.campaign;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.catalog.ExposureRow;
import org.starmill.trace.Trace;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * Reduces batches of images, each one Spark job and one commit.
 *
 * <p>A batch is cut into shares of like expected cost ({@link Shares}, {@link StarsExpected}), each
 * the work of a task that prefers the machines where its frames are kept ({@link Locality}).
 */
final class BatchRun implements AutoCloseable {
  /** How long after a job Spark may tell that an executor has ended. */
  private static final long WORD_OF_EXECUTORS_NANOS = 5_000_000_000L;

  private final SparkContext context;
  private final Campaign campaign;
  private final Ledger ledger;
  private final CampaignRequest request;
  private final CampaignProgress progress;
  private final RunTrace trace;
  private final StarsExpected expected;
  private final FramesInWork inWork;
  private final Broadcast<SerializableConfiguration> hadoop;

  /**
   * @param expected learns from each image that is measured
   * @param inWork knows the frames that end processes
   */
  BatchRun(
      SparkSession spark,
      Campaign campaign,
      Ledger ledger,
      CampaignRequest request,
      CampaignProgress progress,
      RunTrace trace,
      StarsExpected expected,
      FramesInWork inWork) {
    this.context = spark.sparkContext();
    this.campaign = campaign;
    this.ledger = ledger;
    this.request = request;
    this.progress = progress;
    this.trace = trace;
    this.expected = expected;
    this.inWork = inWork;
    this.hadoop =
        JavaSparkContext.fromSparkContext(context)
            .broadcast(new SerializableConfiguration(context.hadoopConfiguration()));
  }

  /**
   * Reduces a batch and commits it.
   *
   * @param items at least one
   * @param before how many images of this run are done
   */
  void reduce(List<WorkItem> items, long before) throws IOException {
    Map<Long, Double> work = new HashMap<>();
    items.forEach(item -> work.put(item.frame().exposureId(), ExpectedWork.of(item.frame())));
    progress.batch(work);
    String batch = Ledger.batchName(items.get(0).frame().exposureId());
    Path staged = ledger.stagedSources(batch);
    campaign.fileSystem().mkdirs(staged);
    Set<String> files = new HashSet<>();
    List<ExposureRow> exposures = new ArrayList<>();
    try (Trace.Open tasksAtWork = Trace.step(batch);
        RunningImages running =
            new RunningImages(
                context, now -> progress.done(before + Math.min(now, items.size())))) {
      BatchTask task =
          new BatchTask(
              request.instrument(),
              request.config(),
              campaign.identity(),
              staged.toString(),
              SparkSessions.taskCpus(context),
              hadoop,
              running.counter(),
              trace.tasks(),
              inWork.account(hadoop));
      runToTheEnd(task, items, new Collecting(files, exposures, progress));
    }
    learn(items, exposures);
    exposures.sort(Comparator.comparingLong(ExposureRow::exposureId));
    try (Trace.Open commit = Trace.step("commit")) {
      ledger.commit(batch, files, exposures);
    }
    inWork.forget(exposures.stream().map(ExposureRow::exposureId).toList());
    trace.write();
  }

  /**
   * Runs the tasks of a batch; where Spark gives up since too many executors ended, those again
   * that have not ended, as long as the frames that were in work then become more.
   */
  private void runToTheEnd(BatchTask task, List<WorkItem> items, Collecting results)
      throws IOException {
    List<WorkItem> left = items;
    int lost = lost();
    while (true) {
      try {
        run(task, left, results);
        return;
      } catch (Exception jobFailed) {
        int more = lostAtLast(lost);
        if (more <= lost) {
          throw jobFailed;
        }
        lost = more;
        Map<Long, Integer> times = inWork.timesLost();
        left =
            items.stream()
                .filter(item -> !results.has(item.frame().exposureId()))
                .map(item -> item.lost(times.getOrDefault(item.frame().exposureId(), 0)))
                .toList();
      }
    }
  }

  /** How often frames were in work when their process ended, together. */
  private int lost() throws IOException {
    return inWork.timesLost().values().stream().mapToInt(Integer::intValue).sum();
  }

  /** The same when a job has failed: Spark tells of executors that ended a moment later. */
  private int lostAtLast(int before) throws IOException {
    long end = System.nanoTime() + WORD_OF_EXECUTORS_NANOS;
    int now = lost();
    while (!context.isLocal() && now <= before && System.nanoTime() < end) {
      try {
        Thread.sleep(100);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return now;
      }
      now = lost();
    }
    return now;
  }

  private void run(BatchTask task, List<WorkItem> items, Collecting results) {
    List<List<WorkItem>> shares = Shares.of(items, expected::cost, SparkSessions.slots(context));
    List<Object> partitions = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      partitions.add(i);
    }
    context.runJob(
        distributed(shares),
        new Share(task),
        CollectionConverters.asScala(partitions).toSeq(),
        results,
        tag(BatchTask.Result.class));
  }

  private RDD<List<WorkItem>> distributed(List<List<WorkItem>> shares) {
    // In local mode all machines are this one.
    List<List<String>> hosts =
        context.isLocal() ? null : new Locality(context.hadoopConfiguration()).of(shares);
    List<Tuple2<List<WorkItem>, scala.collection.immutable.Seq<String>>> placed = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      List<String> of = hosts == null ? List.of() : hosts.get(i);
      placed.add(new Tuple2<>(shares.get(i), CollectionConverters.asScala(of).toSeq()));
    }
    return context.makeRDD(CollectionConverters.asScala(placed).toSeq(), tag(List.class));
  }

  @SuppressWarnings("unchecked")
  private static <T> ClassTag<T> tag(Class<?> type) {
    return (ClassTag<T>) ClassTag$.MODULE$.apply(type);
  }

  private void learn(List<WorkItem> items, List<ExposureRow> exposures) {
    Map<Long, PlannedFrame> frames = new HashMap<>();
    items.forEach(item -> frames.put(item.frame().exposureId(), item.frame()));
    for (ExposureRow exposure : exposures) {
      if (exposure.stars() >= 0) {
        expected.learn(frames.get(exposure.exposureId()), exposure.stars());
      }
    }
  }

  @Override
  public void close() {
    hadoop.destroy();
  }

  /** Does the one share of a task. */
  private static final class Share
      extends AbstractFunction2<
          TaskContext, scala.collection.Iterator<List<WorkItem>>, BatchTask.Result>
      implements Serializable {
    private static final long serialVersionUID = 1L;

    private final BatchTask task;

    Share(BatchTask task) {
      this.task = task;
    }

    @Override
    public BatchTask.Result apply(
        TaskContext context, scala.collection.Iterator<List<WorkItem>> shares) {
      return task.run(shares.next());
    }
  }

  /** Takes the result of the attempt that counts, of each task, on the driver. */
  private static final class Collecting
      extends AbstractFunction2<Object, BatchTask.Result, BoxedUnit> {
    private final Set<String> files;
    private final List<ExposureRow> exposures;
    private final CampaignProgress progress;

    Collecting(Set<String> files, List<ExposureRow> exposures, CampaignProgress progress) {
      this.files = files;
      this.exposures = exposures;
      this.progress = progress;
    }

    boolean has(long exposureId) {
      return exposures.stream().anyMatch(row -> row.exposureId() == exposureId);
    }

    @Override
    public BoxedUnit apply(Object partition, BatchTask.Result result) {
      if (result.file() != null) {
        files.add(result.file());
      }
      exposures.addAll(result.exposures());
      result.exposures().forEach(progress::image);
      return BoxedUnit.UNIT;
    }
  }
}
