package org.starmill.campaign;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Opens the Spark session: the one place where its mandatory and its default settings stand.
 *
 * <p>What spark-submit, a properties file or {@code -Dspark.*} has set is kept; a session without a
 * master is a local one, on the loopback address and without a user interface.
 */
public final class SparkSessions {
  private SparkSessions() {}

  /** The session of this JVM, opened if there is none yet. */
  public static SparkSession open() {
    SparkConf conf = new SparkConf();
    conf.setIfMissing("spark.app.name", "starmill");
    if (!conf.contains("spark.master")) {
      conf.set("spark.master", "local[*]");
    }
    if (conf.get("spark.master").startsWith("local")) {
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
      conf.setIfMissing("spark.ui.enabled", "false");
      conf.setIfMissing("spark.sql.shuffle.partitions", "4");
      // A Hadoop client finds no cluster settings here, so that a path without a scheme is a file.
      conf.setIfMissing("spark.hadoop.fs.defaultFS", "file:///");
    }
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.sql.parquet.compression.codec", "zstd");
    conf.set("spark.sql.session.timeZone", "UTC");
    return SparkSession.builder().config(conf).getOrCreate();
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
