package org.starmill.campaign;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
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
 * Reduces batches of images, each one Spark job and one commit, or images of several batches again.
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
   * Reduces images in one Spark job and commits them, batch by batch.
   *
   * @param batches what is to be done of each; several only where they are there already
   * @param again whether they are
   * @param before how many images of this run are done
   */
  void reduce(SortedMap<String, List<WorkItem>> batches, boolean again, long before)
      throws IOException {
    String job = batches.firstKey();
    List<WorkItem> items = batches.values().stream().flatMap(List::stream).toList();
    Map<Long, String> batchOf = new HashMap<>();
    batches.forEach(
        (batch, images) -> images.forEach(item -> batchOf.put(item.frame().exposureId(), batch)));
    Map<Long, Double> work = new HashMap<>();
    items.forEach(item -> work.put(item.frame().exposureId(), ExpectedWork.of(item.frame())));
    progress.batch(work);
    Path staged = ledger.staged(job);
    campaign.fileSystem().mkdirs(staged);
    List<BatchTask.Result> results = new ArrayList<>();
    try (Trace.Open tasksAtWork = Trace.step(job);
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
      runToTheEnd(task, items, batchOf, new Collecting(results, progress));
    }
    List<ExposureRow> measured =
        results.stream().flatMap(result -> result.exposures().stream()).toList();
    learn(items, measured);
    try (Trace.Open commit = Trace.step("commit")) {
      for (String batch : batches.keySet()) {
        commit(job, batch, again, batchOf, results);
      }
      ledger.removeStaged(job);
    }
    inWork.forget(measured.stream().map(ExposureRow::exposureId).toList());
    trace.write();
  }

  private void commit(
      String job,
      String batch,
      boolean again,
      Map<Long, String> batchOf,
      List<BatchTask.Result> results)
      throws IOException {
    List<String> files = new ArrayList<>();
    List<ExposureRow> exposures = new ArrayList<>();
    for (BatchTask.Result result : results) {
      // The images of a task are those of one batch.
      if (batch.equals(batchOf.get(result.exposures().get(0).exposureId()))) {
        exposures.addAll(result.exposures());
        if (result.file() != null) {
          files.add(result.file());
        }
      }
    }
    exposures.sort(Comparator.comparingLong(ExposureRow::exposureId));
    if (again) {
      ledger.replace(job, batch, files, exposures);
    } else {
      ledger.commit(job, batch, files, exposures);
    }
  }

  /**
   * Runs the tasks of a batch; where Spark gives up since too many executors ended, those again
   * that have not ended, as long as the frames that were in work then become more.
   */
  private void runToTheEnd(
      BatchTask task, List<WorkItem> items, Map<Long, String> batchOf, Collecting results)
      throws IOException {
    List<WorkItem> left = items;
    int lost = sum(inWork.timesLost());
    while (true) {
      try {
        run(task, left, batchOf, results);
        return;
      } catch (Exception jobFailed) {
        Map<Long, Integer> times;
        try {
          times = timesLostAtLast(lost);
        } catch (IOException | RuntimeException alsoFailed) {
          jobFailed.addSuppressed(alsoFailed);
          throw jobFailed;
        }
        if (sum(times) <= lost) {
          throw jobFailed;
        }
        lost = sum(times);
        left =
            items.stream()
                .filter(item -> !results.has(item.frame().exposureId()))
                .map(item -> item.lost(times.getOrDefault(item.frame().exposureId(), 0)))
                .toList();
      }
    }
  }

  /**
   * How often each frame was in work when its process ended, now that a job has failed: Spark tells
   * of executors that ended a moment later.
   *
   * @param before how often they were, together, when the job began
   */
  private Map<Long, Integer> timesLostAtLast(int before) throws IOException {
    long end = System.nanoTime() + WORD_OF_EXECUTORS_NANOS;
    Map<Long, Integer> now = inWork.timesLost();
    while (!context.isLocal() && sum(now) <= before && System.nanoTime() < end) {
      try {
        Thread.sleep(100);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        return now;
      }
      now = inWork.timesLost();
    }
    return now;
  }

  private static int sum(Map<Long, Integer> times) {
    return times.values().stream().mapToInt(Integer::intValue).sum();
  }

  private void run(
      BatchTask task, List<WorkItem> items, Map<Long, String> batchOf, Collecting results) {
    List<List<WorkItem>> shares = new ArrayList<>();
    items.stream()
        .collect(
            Collectors.groupingBy(
                item -> batchOf.get(item.frame().exposureId()), TreeMap::new, Collectors.toList()))
        .values()
        .forEach(
            images ->
                shares.addAll(
                    Shares.of(
                        images,
                        expected::cost,
                        SparkSessions.slots(context),
                        StarsExpected.WORTH_A_TASK)));
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
    private final List<BatchTask.Result> results;
    private final CampaignProgress progress;

    Collecting(List<BatchTask.Result> results, CampaignProgress progress) {
      this.results = results;
      this.progress = progress;
    }

    boolean has(long exposureId) {
      return results.stream()
          .flatMap(result -> result.exposures().stream())
          .anyMatch(row -> row.exposureId() == exposureId);
    }

    @Override
    public BoxedUnit apply(Object partition, BatchTask.Result result) {
      results.add(result);
      result.exposures().forEach(progress::image);
      return BoxedUnit.UNIT;
    }
  }
}
