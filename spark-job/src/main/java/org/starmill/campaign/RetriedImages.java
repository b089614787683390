package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.regexp_replace;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.starmill.catalog.ExposureStatus;
import org.starmill.catalog.Reasons;
import org.starmill.config.NearestWord;

/**
 * Finds the images that are to be tried again, and the batches that hold their rows.
 *
 * <p>They are looked up once, before anything is replaced, and kept.
 */
final class RetriedImages {
  private static final String REASON = "reason";

  private RetriedImages() {}

  /**
   * The images, as exposure_id and batch.
   *
   * @param what "failed" (frames that no image needs are none), "partial", or codes of reasons
   * @throws Refused where no image has such a reason
   */
  static Dataset<Row> of(SparkSession spark, Campaign campaign, Ledger ledger, List<String> what) {
    if (!campaign.hasRows(campaign.exposures())) {
      throw new Refused(
          "--retry %s: no image of --output %s was tried yet; give the command without --retry first"
              .formatted(String.join(" ", what), campaign.folder()));
    }
    Dataset<Row> tried =
        ledger
            .exposures(spark)
            .select(
                col("exposure_id"),
                col("status"),
                col(REASON),
                regexp_replace(col("_metadata.file_name"), "\\.parquet$", "").as("batch"));
    Column wanted = lit(false);
    for (String word : what) {
      wanted = wanted.or(isMeant(word, tried, campaign));
    }
    // The ledger changes while they are tried again; and executors that end take nothing along.
    String kept = ledger.staged("retried").toString();
    tried.filter(wanted).select("exposure_id", "batch").write().mode("overwrite").parquet(kept);
    return spark.read().schema("exposure_id bigint, batch string").parquet(kept);
  }

  private static Column isMeant(String word, Dataset<Row> tried, Campaign campaign) {
    if (word.equals(ExposureStatus.FAILED.word())) {
      return col("status").equalTo(word).and(functions.not(hasReason(Reasons.NOT_USED)));
    }
    if (word.equals(ExposureStatus.PARTIAL.word())) {
      return col("status").equalTo(word);
    }
    if (tried.filter(hasReason(word)).isEmpty()) {
      throw new Refused(unknown(word, tried, campaign));
    }
    return hasReason(word);
  }

  /** Whether a code is the first of a reason, or a later one: they stand between "; " and ": ". */
  private static Column hasReason(String code) {
    Column text = functions.concat(lit("; "), functions.coalesce(col(REASON), lit("")), lit(": "));
    return text.contains("; " + code + ": ");
  }

  private static String unknown(String word, Dataset<Row> tried, Campaign campaign) {
    List<String> codes =
        new ArrayList<>(
            tried
                .filter(col(REASON).isNotNull())
                .select(functions.substring_index(col(REASON), ": ", 1))
                .distinct()
                .as(Encoders.STRING())
                .collectAsList());
    codes.sort(null);
    List<String> known = new ArrayList<>(codes);
    known.add(ExposureStatus.FAILED.word());
    known.add(ExposureStatus.PARTIAL.word());
    return "--retry %s: no image of --output %s has this status or reason%s; expected failed, partial%s"
        .formatted(
            word,
            campaign.folder(),
            NearestWord.of(word, known).map("; did you mean '%s'?"::formatted).orElse(""),
            codes.isEmpty() ? "" : ", or one of: " + String.join(", ", codes));
  }
}
