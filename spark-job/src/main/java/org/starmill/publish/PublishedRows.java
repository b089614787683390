package org.starmill.publish;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.countDistinct;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.udf;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.starmill.campaign.Refused;
import org.starmill.catalog.CatalogTable;
import org.starmill.catalog.ExposureStatus;
import org.starmill.healpix.Healpix;

/** Reads the rows that a catalog is made of: those of campaigns, and those that it has. */
final class PublishedRows {
  /** More images than these are joined to their stars by a shuffle, not held by every executor. */
  private static final long MOST_HELD = 500_000;

  private static final String IMAGE = "exposure_id";

  private static final UserDefinedFunction PLACE =
      udf(
          (UDF2<Double, Double, Long>)
              (ra, dec) ->
                  ra != null && dec != null && Healpix.isPosition(ra, dec)
                      ? Long.valueOf(Healpix.pixel(Healpix.MAX_ORDER, ra, dec))
                      : null,
          DataTypes.LongType);

  private final SparkSession spark;
  private final int apertures;

  PublishedRows(SparkSession spark, int apertures) {
    this.spark = spark;
    this.apertures = apertures;
  }

  /**
   * The measured images of new batches.
   *
   * @param images their number
   * @param stars that the table of exposures says they have
   * @param rows their number, filter and time
   */
  record Images(long images, long stars, Dataset<Row> rows) {}

  /**
   * The images of a campaign's new batches that were measured, wholly or in part.
   *
   * @throws Refused where one of them stands there twice
   */
  Images images(CampaignBatches campaign) {
    List<String> files =
        campaign.fresh().stream().map(batch -> batch.exposures().toString()).toList();
    Dataset<Row> rows =
        exposures(files)
            .filter(col("status").isin(ExposureStatus.OK.word(), ExposureStatus.PARTIAL.word()))
            .select(IMAGE, "filter", "mjd", "n_stars");
    Row numbers = rows.agg(count(lit(1)), countDistinct(col(IMAGE)), sum(col("n_stars"))).head();
    if (numbers.getLong(0) != numbers.getLong(1)) {
      throw new Refused(
          "campaign '%s': its exposures have %d rows for %d images; expected a row an image; mend the campaign"
              .formatted(campaign.identity().id(), numbers.getLong(0), numbers.getLong(1)));
    }
    return new Images(
        numbers.getLong(0), numbers.isNullAt(2) ? 0 : numbers.getLong(2), rows.drop("n_stars"));
  }

  private Dataset<Row> exposures(List<String> files) {
    return spark
        .read()
        .schema(CatalogTable.EXPOSURES.sparkSchema(0))
        .parquet(files.toArray(String[]::new));
  }

  /** The stars of measured images, with their place on the sky; null where they have none. */
  Dataset<Row> stars(CampaignBatches campaign, Images images) {
    String[] folders =
        campaign.fresh().stream()
            .map(CampaignBatches.Batch::sources)
            .filter(Objects::nonNull)
            .map(Path::toString)
            .toArray(String[]::new);
    if (folders.length == 0) {
      return empty();
    }
    Dataset<Row> sources =
        spark.read().schema(CatalogTable.SOURCES.sparkSchema(apertures)).parquet(folders);
    Dataset<Row> held = images.images() <= MOST_HELD ? broadcast(images.rows()) : images.rows();
    return sources
        .join(held, IMAGE)
        .withColumn(PublishedTable.INDEX, PLACE.apply(col("ra"), col("dec")))
        .withColumn(PublishedTable.CAMPAIGN, lit(campaign.identity().id()))
        .select(columns());
  }

  /** No row. */
  Dataset<Row> empty() {
    return spark.createDataFrame(List.of(), PublishedTable.spark(apertures));
  }

  private Column[] columns() {
    StructType schema = PublishedTable.spark(apertures);
    List<Column> columns = new ArrayList<>();
    for (String name : schema.fieldNames()) {
      columns.add(col(name));
    }
    return columns.toArray(Column[]::new);
  }

  /** Rows that the catalog has, of some of its files. */
  Dataset<Row> published(List<String> files) {
    return files.isEmpty()
        ? empty()
        : spark
            .read()
            .schema(PublishedTable.spark(apertures))
            .parquet(files.toArray(String[]::new));
  }

  /** Those of them that stay: all but the stars of batches that are no more. */
  Dataset<Row> staying(Dataset<Row> published, Collection<CampaignBatches> campaigns) {
    Dataset<Row> rows = published;
    for (CampaignBatches campaign : campaigns) {
      if (campaign.gone() > 0) {
        Dataset<Row> others = rows.filter(not(ofCampaign(campaign)));
        rows = others.union(own(rows, campaign, "left_semi"));
      }
    }
    return rows;
  }

  /** Those of them that are the stars of batches that are no more. */
  Dataset<Row> leaving(Dataset<Row> published, Collection<CampaignBatches> campaigns) {
    Dataset<Row> rows = empty();
    for (CampaignBatches campaign : campaigns) {
      if (campaign.gone() > 0) {
        rows = rows.union(own(published, campaign, "left_anti"));
      }
    }
    return rows;
  }

  private static Column ofCampaign(CampaignBatches campaign) {
    return col(PublishedTable.CAMPAIGN).equalTo(campaign.identity().id());
  }

  /** Rows of a campaign, whose image is (or is not) in one of the batches that are kept. */
  private Dataset<Row> own(Dataset<Row> published, CampaignBatches campaign, String join) {
    Dataset<Row> rows = published.filter(ofCampaign(campaign));
    List<String> files =
        campaign.kept().stream().map(batch -> batch.exposures().toString()).toList();
    if (files.isEmpty()) {
      return join.equals("left_anti") ? rows : rows.limit(0);
    }
    Dataset<Row> kept = exposures(files).select(IMAGE);
    return rows.join(kept, rows.col(IMAGE).equalTo(kept.col(IMAGE)), join);
  }
}
