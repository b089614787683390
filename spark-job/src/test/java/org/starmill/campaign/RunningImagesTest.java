package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.executor.ExecutorMetrics;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.Tuple2;
import scala.Tuple4;
import scala.jdk.javaapi.CollectionConverters;

class RunningImagesTest {
  private final List<Long> heard = new ArrayList<>();

  private static SparkListenerExecutorMetricsUpdate heartbeat(long task, long id, long images) {
    AccumulableInfo info =
        new AccumulableInfo(
            id, Option.empty(), Option.apply(images), Option.empty(), false, false, Option.empty());
    scala.collection.immutable.Seq<AccumulableInfo> infos =
        CollectionConverters.asScala(List.of(info)).toSeq();
    return new SparkListenerExecutorMetricsUpdate(
        "driver",
        CollectionConverters.asScala(
                List.of(
                    new Tuple4<
                        Object, Object, Object, scala.collection.immutable.Seq<AccumulableInfo>>(
                        task, 0, 0, infos)))
            .toSeq(),
        new scala.collection.immutable.HashMap<Tuple2<Object, Object>, ExecutorMetrics>());
  }

  @Test
  void imagesOfTasksThatStillRunAreCountedOnceEach() {
    try (RunningImages running = new RunningImages(SmallNight.spark().sparkContext(), heard::add)) {
      long counter = running.counter().id();
      running.onExecutorMetricsUpdate(heartbeat(1, counter, 3));
      running.onExecutorMetricsUpdate(heartbeat(2, counter, 4));
      running.onExecutorMetricsUpdate(heartbeat(1, counter, 5));
      running.onExecutorMetricsUpdate(heartbeat(3, counter + 1000, 9));
    }
    assertThat(heard).containsExactly(3L, 7L, 9L);
  }
}
