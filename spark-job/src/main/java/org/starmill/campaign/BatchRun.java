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
  private final SparkContext context;
  private final Campaign campaign;
  private final Ledger ledger;
  private final CampaignRequest request;
  private final CampaignProgress progress;
  private final RunTrace trace;
  private final StarsExpected expected;
  private final Broadcast<SerializableConfiguration> hadoop;

  /**
   * @param expected learns from each image that is measured
   */
  BatchRun(
      SparkSession spark,
      Campaign campaign,
      Ledger ledger,
      CampaignRequest request,
      CampaignProgress progress,
      RunTrace trace,
      StarsExpected expected) {
    this.context = spark.sparkContext();
    this.campaign = campaign;
    this.ledger = ledger;
    this.request = request;
    this.progress = progress;
    this.trace = trace;
    this.expected = expected;
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
              trace.tasks());
      run(task, items, new Collecting(files, exposures, progress));
    }
    learn(items, exposures);
    exposures.sort(Comparator.comparingLong(ExposureRow::exposureId));
    try (Trace.Open commit = Trace.step("commit")) {
      ledger.commit(batch, files, exposures);
    }
    trace.write();
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
