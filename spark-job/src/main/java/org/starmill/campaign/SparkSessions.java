package org.starmill.campaign;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.starmill.config.CampaignConfig;

/**
 * Opens the Spark session: the one place where its mandatory and its default settings stand.
 *
 * <p>What spark-submit, a properties file or {@code -Dspark.*} has set is kept; a session without a
 * master is a local one, on the loopback address and without a user interface.
 */
public final class SparkSessions {
  /**
   * Heap that a task may need: some 0.7 GB for an image of 3072 x 3080 pixels with its masters, 1.3
   * GB for a master of 30 such frames.
   */
  private static final long BYTES_A_TASK = 1_300_000_000L;

  private SparkSessions() {}

  /** The session of this JVM, opened if there is none yet. */
  public static SparkSession open() {
    return open(new SparkConf());
  }

  /**
   * The same for work on a device: where that is a GPU, each executor of a cluster asks for one,
   * and two tasks share it, for kernels are half of an image's time.
   */
  public static SparkSession open(CampaignConfig.DeviceChoice device) {
    SparkConf conf = new SparkConf();
    // A local context with such settings shuts itself down.
    boolean cluster = !conf.get("spark.master", "local").matches("local(\\[.*)?");
    if (cluster && device.name().equals("gpu")) {
      conf.setIfMissing("spark.executor.resource.gpu.amount", "1");
      conf.setIfMissing("spark.task.resource.gpu.amount", "0.5");
    }
    return open(conf);
  }

  private static SparkSession open(SparkConf conf) {
    conf.setIfMissing("spark.app.name", "starmill");
    if (!conf.contains("spark.master")) {
      conf.set("spark.master", "local[%d]".formatted(localTasks()));
    }
    if (conf.get("spark.master").startsWith("local")) {
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
      conf.setIfMissing("spark.ui.enabled", "false");
      // Heartbeats bring the progress of tasks that still run.
      conf.setIfMissing("spark.executor.heartbeatInterval", "2s");
      conf.setIfMissing("spark.sql.shuffle.partitions", "4");
      // A Hadoop client finds no cluster settings here, so that a path without a scheme is a file.
      conf.setIfMissing("spark.hadoop.fs.defaultFS", "file:///");
      // Executors of a cluster have Hadoop's own: they look at files before they have this class.
      conf.setIfMissing("spark.hadoop.fs.file.impl", LocalDisk.class.getName());
    }
    // How large a table is Spark estimates by its Parquet files, which are many times smaller than
    // their rows: of ten million frames it held all paths in the driver and in each executor. So a
    // table is sent to all tasks only where its rows were counted, when they come to be joined.
    conf.setIfMissing("spark.sql.autoBroadcastJoinThreshold", "-1");
    conf.setIfMissing("spark.sql.adaptive.autoBroadcastJoinThreshold", "10MB");
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    // The exposures table has more columns than Spark shortens in silence.
    conf.setIfMissing("spark.sql.debug.maxToStringFields", "1000");
    conf.setIfMissing("spark.sql.parquet.compression.codec", "zstd");
    conf.set("spark.sql.session.timeZone", "UTC");
    return SparkSession.builder().config(conf).getOrCreate();
  }

  /** As many tasks as there are cores, but no more than the heap holds. */
  private static int localTasks() {
    Runtime jvm = Runtime.getRuntime();
    long held = Math.max(1, jvm.maxMemory() / BYTES_A_TASK);
    return (int) Math.min(jvm.availableProcessors(), held);
  }

  /** How many tasks run at the same time: all cores over {@code spark.task.cpus}. */
  static int slots(SparkContext context) {
    return Math.max(1, context.defaultParallelism() / taskCpus(context));
  }

  /** Cores of one task. */
  static int taskCpus(SparkContext context) {
    return Math.max(1, context.getConf().getInt("spark.task.cpus", 1));
  }
}
