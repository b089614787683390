package org.starmill.campaign;

import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Times what a campaign of many images costs beside its images: planning it, planning it again,
 * going on with it and reporting on it.
 *
 * <p>The frames are made up ({@link SyntheticSurvey}), so that neither listing nor reading of
 * headers is in the times. Four fifths of the images have their rows. Of each step it prints
 * seconds, CPU seconds, and the largest heap that was left after a collection: that of the driver
 * and of the tasks together, which in local mode share it.
 */
public final class SurveyScale {
  private static final int NEW_FILES = 1000;
  private static final List<String> ALL = List.of("plan", "again", "make", "go-on", "report");

  private interface Step {
    String done() throws IOException;
  }

  private final AtomicLong afterCollection = new AtomicLong();

  private final List<String> steps;
  private CampaignMasters prepared;

  private SurveyScale(List<String> steps) {
    this.steps = steps;
  }

  /**
   * Times one size.
   *
   * @param arguments number of images; an empty or new folder; and, where not all is to be done in
   *     one JVM, which of the steps plan, again, make, go-on and report, in this order
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 2) {
      System.err.println("usage: SurveyScale IMAGES FOLDER [plan] [again] [make] [go-on] [report]");
      System.exit(2);
    }
    List<String> steps = List.of(arguments).subList(2, arguments.length);
    new SurveyScale(steps.isEmpty() ? ALL : steps)
        .time((long) Double.parseDouble(arguments[0]), Path.of(arguments[1]));
  }

  private void time(long images, Path folder) throws IOException {
    listenToCollections();
    Files.createDirectories(folder);
    SparkSession spark = SparkSessions.open();
    CampaignRequest request =
        SmallNight.request(folder.resolve("none"), folder.resolve("campaign"));
    Campaign campaign =
        Campaign.openOrPrepare(
            request.output(),
            new Campaign.Identity("survey", "generic", "hash", "1", "2026-01-01T00:00:00Z"),
            false,
            spark.sparkContext().hadoopConfiguration());
    Plan plan = new Plan(spark, campaign);
    System.out.printf("%,d images, heap %d MB%n", images, Runtime.getRuntime().maxMemory() >> 20);
    step(
        "plan",
        "plan",
        () -> {
          campaign.establish();
          plan.append(SyntheticSurvey.frames(spark, images), images, 0);
          return "sorted, numbered and written";
        });
    step(
        "again",
        "plan again",
        () -> {
          Dataset<Row> files =
              SyntheticSurvey.frames(spark, images)
                  .select("path", "file_length")
                  .union(
                      spark
                          .range(NEW_FILES)
                          .selectExpr(
                              "concat('file:%s/none/', id, '.fits') as path".formatted(folder),
                              "id as file_length"));
          long[] added = new long[1];
          plan.extend(files, request.instrument(), "survey", count -> added[0] = count);
          return "%,d new files found".formatted(added[0]);
        });
    step(
        "make",
        "(made up)",
        () -> {
          long masters = SyntheticSurvey.buildMasters(spark, campaign, plan, request);
          int batches = (int) Math.max(4, images / 10_000);
          SyntheticSurvey.measure(spark, campaign, plan, images * 4 / 5, batches);
          return "%,d masters, %,d batches".formatted(masters, batches);
        });
    step(
        "go-on",
        "go on: masters",
        () -> {
          prepared =
              CampaignMasters.prepare(
                  spark, campaign, plan, request, RunTrace.off().tasks(), odd -> {});
          return "%,d frames used".formatted(prepared.used().count());
        });
    step(
        "go-on",
        "go on: first image",
        () -> {
          LeftToDo left =
              new LeftToDo(
                  plan.frames(),
                  new Ledger(campaign, "none").exposures(spark).select("exposure_id"),
                  prepared);
          return "%,d done, %,d left, the next is %d"
              .formatted(
                  left.before(), left.count(), left.iterator().next().<Long>getAs("exposure_id"));
        });
    if (prepared != null) {
      prepared.close();
    }
    step(
        "report",
        "report: status",
        () -> {
          CampaignStatus status = CampaignStatus.of(spark, campaign, 100);
          return "%,d planned, %,d in masters, %,d to do, %,d stars"
              .formatted(status.planned(), status.inMasters(), status.left(), status.stars());
        });
    step(
        "report",
        "report: plan",
        () -> {
          PlanSummary summary = PlanSummary.of(spark, campaign, request);
          return "%,d frames, %,d groups".formatted(summary.frames(), summary.groupCount());
        });
    spark.stop();
  }

  private void step(String of, String name, Step step) throws IOException {
    if (!steps.contains(of)) {
      return;
    }
    System.gc();
    afterCollection.set(0);
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long start = System.nanoTime();
    long cpu = system.getProcessCpuTime();
    String done = step.done();
    double seconds = (System.nanoTime() - start) * 1e-9;
    double cpuSeconds = (system.getProcessCpuTime() - cpu) * 1e-9;
    long most = afterCollection.get();
    System.gc();
    Runtime jvm = Runtime.getRuntime();
    System.out.printf(
        Locale.ROOT,
        "%-20s %8.1f s %8.1f CPU s %6d MB at most %6d MB kept  %s%n",
        name,
        seconds,
        cpuSeconds,
        most >> 20,
        (jvm.totalMemory() - jvm.freeMemory()) >> 20,
        done);
    System.out.flush();
  }

  private void listenToCollections() {
    Set<String> heap =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .map(pool -> pool.getName())
            .collect(Collectors.toSet());
    List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
    for (GarbageCollectorMXBean collector : collectors) {
      ((NotificationEmitter) collector)
          .addNotificationListener(
              (notification, handback) -> {
                GarbageCollectionNotificationInfo info =
                    GarbageCollectionNotificationInfo.from(
                        (CompositeData) notification.getUserData());
                long used =
                    info.getGcInfo().getMemoryUsageAfterGc().entrySet().stream()
                        .filter(pool -> heap.contains(pool.getKey()))
                        .map(pool -> pool.getValue())
                        .mapToLong(MemoryUsage::getUsed)
                        .sum();
                afterCollection.accumulateAndGet(used, Math::max);
              },
              null,
              null);
    }
  }
}
