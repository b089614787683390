package org.starmill.campaign;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Counts the images of one batch while its tasks still run.
 *
 * <p>Tasks add to {@link #counter} and every heartbeat of an executor brings its value for each
 * task, so that progress does not wait for a task with many images to end. Spark calls the methods
 * in one thread.
 */
final class RunningImages extends SparkListener implements AutoCloseable {
  private final SparkContext context;
  private final LongConsumer hears;
  private final LongAccumulator counter;
  private final Map<Long, Long> byTask = new HashMap<>();

  /**
   * Listens until it is closed.
   *
   * @param hears the number of images done in this batch, now and then
   */
  RunningImages(SparkContext context, LongConsumer hears) {
    this.context = context;
    this.hears = hears;
    this.counter = context.longAccumulator("images of a batch");
    context.addSparkListener(this);
  }

  LongAccumulator counter() {
    return counter;
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate heartbeat) {
    CollectionConverters.asJava(heartbeat.accumUpdates())
        .forEach(task -> count((Long) task._1(), task._4()));
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    if (end.taskInfo().successful()) {
      count(end.taskInfo().taskId(), end.taskInfo().accumulables().toSeq());
    } else {
      byTask.remove(end.taskInfo().taskId());
    }
  }

  private void count(long task, Seq<AccumulableInfo> accumulables) {
    for (AccumulableInfo info : CollectionConverters.asJava(accumulables)) {
      if (info.id() == counter.id() && info.update().isDefined()) {
        byTask.put(task, (Long) info.update().get());
        hears.accept(byTask.values().stream().mapToLong(Long::longValue).sum());
      }
    }
  }

  @Override
  public void close() {
    context.removeSparkListener(this);
  }
}
