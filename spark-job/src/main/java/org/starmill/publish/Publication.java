package org.starmill.publish;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.Refused;
import org.starmill.campaign.SoftwareVersion;
import org.starmill.healpix.HealpixPixel;

/**
 * Makes one catalog of campaigns, in the HATS layout.
 *
 * <p>New rows are counted in small pixels, the counts added to those of the publication before, and
 * the sky cut anew by the sums ({@link PixelSplit}): the cut depends on the rows alone, not on the
 * order in which they were published. A pixel that has new rows, or that was not cut so before, is
 * written anew into a staging folder, from the new rows and the files it had; all others stay. Then
 * the new files come into their places ({@link Switchover}). On the driver stand a line for each
 * pixel of the catalog and each batch of the campaigns, and nothing for an image or a star.
 */
public final class Publication {
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm'UTC'").withZone(ZoneOffset.UTC);
  private static final int MOST_TASKS = 100_000;

  private final SparkSession spark;
  private final PublishRequest request;
  private final Consumer<String> progress;
  private final Configuration hadoop;
  private final long start = System.nanoTime();

  /**
   * @param progress is told what is being done
   */
  public Publication(SparkSession spark, PublishRequest request, Consumer<String> progress) {
    this.spark = spark;
    this.request = request;
    this.progress = progress;
    this.hadoop = spark.sparkContext().hadoopConfiguration();
  }

  /**
   * Publishes what is new.
   *
   * @throws Refused where an input or the output cannot be taken; the catalog stays as it was
   */
  public PublishSummary run() {
    try {
      Map<String, Campaign> campaigns = campaigns();
      CatalogFolder catalog = CatalogFolder.open(request.output(), hadoop, context());
      PublishLedger before = catalog.ledger().orElse(null);
      refuseOther(before);
      progress.accept("list");
      List<CampaignBatches> batches = new ArrayList<>();
      for (Map.Entry<String, Campaign> campaign : campaigns.entrySet()) {
        String id = campaign.getValue().identity().id();
        PublishLedger.Published published = before == null ? null : before.campaigns().get(id);
        batches.add(CampaignBatches.of(campaign.getKey(), published, campaign.getValue(), hadoop));
      }
      boolean otherCut =
          before != null && request.maxRows() != null && request.maxRows() != before.maxRows();
      if (before != null && !otherCut && batches.stream().noneMatch(CampaignBatches::changed)) {
        return nothingNew(catalog, before, batches);
      }
      return publish(catalog, before, batches);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "--output %s: %s; publish again: the catalog is as it was, or is finished by that"
              .formatted(request.output(), e.getMessage()),
          e);
    }
  }

  private Map<String, Campaign> campaigns() {
    Map<String, Campaign> campaigns = new LinkedHashMap<>();
    Map<String, String> inputs = new TreeMap<>();
    Set<Path> folders = new HashSet<>();
    for (String input : request.inputs()) {
      Campaign campaign = campaign(input);
      if (!folders.add(campaign.folder())) {
        continue;
      }
      String id = campaign.identity().id();
      if (inputs.containsKey(id)) {
        throw new Refused(
            "--input %s and %s are both called campaign '%s'; expected names of their own; publish only one of them"
                .formatted(inputs.get(id), input, id));
      }
      inputs.put(id, input);
      campaigns.put(input, campaign);
    }
    return campaigns;
  }

  private Campaign campaign(String input) {
    if (input.isBlank()) {
      throw new Refused("--input '' is empty; expected the --output of a 'starmill run'; give it");
    }
    try {
      Path file = new Path(input, "campaign.json");
      if (!file.getFileSystem(hadoop).exists(file)) {
        throw new Refused(
            "--input %s holds no campaign: there is no campaign.json in it; give the --output of a 'starmill run'"
                .formatted(input));
      }
    } catch (IOException e) {
      throw new Refused(
          "--input %s cannot be read: %s; give the --output of a 'starmill run'"
              .formatted(input, e.getMessage()),
          e);
    }
    return Campaign.open(input, hadoop);
  }

  private void refuseOther(PublishLedger before) {
    if (before == null) {
      return;
    }
    if (request.name() != null && !request.name().equals(before.name())) {
      throw new Refused(
          "--output %s holds the catalog '%s', not '%s'; give --name %s or another --output"
              .formatted(request.output(), before.name(), request.name(), before.name()));
    }
    if (request.maxOrder() != null && request.maxOrder() != before.maxOrder()) {
      throw new Refused(
          "--output %s: the catalog was begun with --max-order %d, not %d; leave the option out or give another --output"
              .formatted(request.output(), before.maxOrder(), request.maxOrder()));
    }
  }

  private PublishSummary nothingNew(
      CatalogFolder catalog, PublishLedger before, List<CampaignBatches> batches)
      throws IOException {
    List<PublishSummary.Part> brought = new ArrayList<>();
    for (CampaignBatches campaign : batches) {
      brought.add(
          new PublishSummary.Part(campaign.identity().id(), 0, campaign.kept().size(), 0, 0, 0, 0));
    }
    return summary(catalog, before, brought, catalog.pixels(), 0, 0);
  }

  private PublishSummary publish(
      CatalogFolder catalog, PublishLedger before, List<CampaignBatches> batches)
      throws IOException {
    PublishLedger ledger = ledger(catalog, before, batches);
    Map<HealpixPixel, Long> old = catalog.pixels();
    PublishedRows rows = new PublishedRows(spark, ledger.apertures());
    List<PublishSummary.Part> brought = new ArrayList<>();
    Dataset<Row> fresh = rows.empty();

    progress.accept("count");
    PixelCounts counts = new PixelCounts(spark, ledger.maxOrder());
    Dataset<Row> added = counts.of(rows.empty());
    Map<String, PublishedRows.Images> images = new TreeMap<>();
    for (CampaignBatches campaign : batches) {
      if (!campaign.fresh().isEmpty()) {
        PublishedRows.Images measured = rows.images(campaign);
        images.put(campaign.identity().id(), measured);
        Dataset<Row> stars = rows.stars(campaign, measured);
        added = added.union(counts.of(stars));
        fresh = fresh.union(stars);
      }
    }
    added = added.persist();
    Map<String, PixelCounts.Total> totals = PixelCounts.totals(added);
    for (CampaignBatches campaign : batches) {
      brought.add(brought(campaign, images, totals));
    }
    // Nearly always nothing leaves: then no file is listed to look for it.
    boolean some = batches.stream().anyMatch(campaign -> campaign.gone() > 0);
    Dataset<Row> leaving =
        some ? rows.leaving(rows.published(files(catalog, old.keySet())), batches) : rows.empty();
    Path sums = catalog.at(HatsLayout.histogram(ledger.publication()));
    counts.write(
        before == null ? null : catalog.at(HatsLayout.histogram(before.publication())),
        added.drop(PublishedTable.CAMPAIGN),
        counts.of(leaving).drop(PublishedTable.CAMPAIGN),
        sums);
    added.unpersist(false);

    boolean otherColumns = before != null && before.apertures() != ledger.apertures();
    List<PixelSplit.Part> parts = counts.cut(sums, ledger.maxRows());
    List<PixelSplit.Part> written = new ArrayList<>();
    Set<HealpixPixel> retired = new HashSet<>(old.keySet());
    Set<HealpixPixel> removed = new HashSet<>(old.keySet());
    for (PixelSplit.Part part : parts) {
      removed.remove(part.pixel());
      if (part.changed() || otherColumns || !old.containsKey(part.pixel())) {
        written.add(part);
      } else {
        retired.remove(part.pixel());
      }
    }
    progress.accept("write %,d of %,d pixels".formatted(written.size(), parts.size()));
    Dataset<Row> staying = rows.staying(rows.published(files(catalog, retired)), batches);
    Map<HealpixPixel, Path> files =
        write(
            catalog,
            fresh.filter(col(PublishedTable.INDEX).isNotNull()).unionByName(staying),
            written,
            ledger);
    progress.accept("switch over");
    PublishLedger done = ledger.withRows(parts.stream().mapToLong(PixelSplit.Part::rows).sum());
    switchOver(catalog, done, parts, files, removed);
    return summary(catalog, done, brought, catalog.pixels(), written.size(), removed.size());
  }

  /** What the ledger is to say, but for the number of rows. */
  private PublishLedger ledger(
      CatalogFolder catalog, PublishLedger before, List<CampaignBatches> batches)
      throws IOException {
    SortedMap<String, PublishLedger.Published> campaigns = new TreeMap<>();
    int apertures = 0;
    if (before != null) {
      campaigns.putAll(before.campaigns());
      apertures = before.apertures();
    }
    for (CampaignBatches campaign : batches) {
      campaigns.put(campaign.identity().id(), campaign.published());
      apertures = Math.max(apertures, campaign.apertures(hadoop));
    }
    String name = request.name() != null ? request.name() : catalog.folder().getName();
    Long maxRows = request.maxRows();
    Integer maxOrder = request.maxOrder();
    if (before != null) {
      name = before.name();
      maxRows = maxRows == null ? (Long) before.maxRows() : maxRows;
      maxOrder = before.maxOrder();
    }
    return new PublishLedger(
        name,
        before == null ? 1 : before.publication() + 1,
        SoftwareVersion.NAME,
        maxRows == null ? PublishRequest.DEFAULT_MAX_ROWS : maxRows,
        maxOrder == null ? PublishRequest.DEFAULT_MAX_ORDER : maxOrder,
        apertures,
        0,
        campaigns);
  }

  /** What a campaign brings, checked against what its exposures say. */
  private static PublishSummary.Part brought(
      CampaignBatches campaign,
      Map<String, PublishedRows.Images> images,
      Map<String, PixelCounts.Total> totals) {
    String id = campaign.identity().id();
    PublishedRows.Images measured = images.get(id);
    PixelCounts.Total total = totals.getOrDefault(id, new PixelCounts.Total(0, 0));
    long expected = measured == null ? 0 : measured.stars();
    if (total.all() != expected) {
      throw new Refused(
          "campaign '%s': the new batches have %,d rows in sources; expected %,d, as n_stars of its exposures says; let no run go on while it is published, or mend the campaign"
              .formatted(id, total.all(), expected));
    }
    return new PublishSummary.Part(
        id,
        campaign.fresh().size(),
        campaign.kept().size(),
        campaign.gone(),
        measured == null ? 0 : measured.images(),
        total.all() - total.withoutPlace(),
        total.withoutPlace());
  }

  private static List<String> files(CatalogFolder catalog, Set<HealpixPixel> pixels) {
    return pixels.stream().map(pixel -> catalog.at(HatsLayout.file(pixel)).toString()).toList();
  }

  /** Writes rows into the staging folder, a file a pixel. */
  private Map<HealpixPixel, Path> write(
      CatalogFolder catalog, Dataset<Row> rows, List<PixelSplit.Part> parts, PublishLedger ledger) {
    Map<HealpixPixel, Path> files = new LinkedHashMap<>();
    if (parts.isEmpty()) {
      return files;
    }
    long sum = parts.stream().mapToLong(PixelSplit.Part::rows).sum();
    long filled = (sum + ledger.maxRows() - 1) / ledger.maxRows();
    int tasks =
        (int) Math.min(MOST_TASKS, Math.max(spark.sparkContext().defaultParallelism(), filled));
    Broadcast<WrittenPixels> pixels = context().broadcast(new WrittenPixels(parts, tasks));
    Broadcast<SerializableConfiguration> configuration =
        context().broadcast(new SerializableConfiguration(hadoop));
    Column task =
        udf((UDF1<Long, Integer>) place -> pixels.value().task(place), DataTypes.IntegerType)
            .apply(col(PublishedTable.INDEX));
    Column[] order =
        PublishedTable.SORTED_BY.stream().map(name -> col(name)).toArray(Column[]::new);
    List<PixelTask.Written> written =
        rows.repartitionById(pixels.value().tasks(), task)
            .sortWithinPartitions(order)
            .toJavaRDD()
            .mapPartitions(
                new PixelTask(
                    catalog.at(HatsLayout.STAGING).toString(),
                    ledger.apertures(),
                    pixels,
                    configuration))
            .collect();
    for (PixelTask.Written file : written) {
      PixelSplit.Part part = parts.get(file.pixel());
      if (file.rows() != part.rows()
          || files.put(part.pixel(), catalog.staged(file.file())) != null) {
        throw new IllegalStateException(
            "%s has %,d rows, its pixel %,d; expected as many, in one file; let no run and no other publish go on meanwhile"
                .formatted(file.file(), file.rows(), part.rows()));
      }
    }
    if (files.size() != parts.size()) {
      throw new IllegalStateException(
          "%,d of %,d pixels have rows; expected all; let no run and no other publish go on meanwhile"
              .formatted(files.size(), parts.size()));
    }
    pixels.destroy();
    configuration.destroy();
    return files;
  }

  /** Stages all that is not rows, decides upon the publication, and takes its steps. */
  private void switchOver(
      CatalogFolder catalog,
      PublishLedger ledger,
      List<PixelSplit.Part> parts,
      Map<HealpixPixel, Path> files,
      Set<HealpixPixel> removed)
      throws IOException {
    FileSystem fileSystem = catalog.fileSystem();
    Map<HealpixPixel, Path> all = new LinkedHashMap<>();
    parts.forEach(part -> all.put(part.pixel(), files.get(part.pixel())));
    HatsMetadata metadata =
        new HatsMetadata(
            catalog.folder(), catalog.at(HatsLayout.STAGING), ledger.apertures(), hadoop);
    long bytes = metadata.write(all);
    HatsLayout.writePartitionInfo(fileSystem, catalog.staged(HatsLayout.PARTITION_INFO), parts);
    HatsLayout.writeProperties(
        fileSystem, catalog.staged(HatsLayout.PROPERTIES), properties(ledger, parts, bytes));
    ledger.write(fileSystem, catalog.staged("ledger.json"));

    List<Switchover.Step> steps = new ArrayList<>();
    boolean summed = metadata.holds(parts.size());
    // It tells of places in files that are about to be others.
    steps.add(
        summed
            ? Switchover.Step.withdraw(staged(HatsLayout.METADATA), HatsLayout.METADATA)
            : Switchover.Step.delete(HatsLayout.METADATA));
    files.forEach(
        (pixel, file) ->
            steps.add(
                Switchover.Step.put(
                    catalog.folder().toUri().relativize(file.toUri()).getPath(),
                    HatsLayout.file(pixel))));
    // With the list of pixels readers turn to the new ones, and from those that are cut in four.
    steps.add(put(HatsLayout.PROPERTIES));
    steps.add(put(HatsLayout.PARTITION_INFO));
    removed.forEach(pixel -> steps.add(Switchover.Step.delete(HatsLayout.file(pixel))));
    steps.add(put(HatsLayout.COMMON_METADATA));
    if (summed) {
      steps.add(put(HatsLayout.METADATA));
    }
    steps.add(Switchover.Step.put(staged("ledger.json"), HatsLayout.LEDGER));
    Switchover switchover = catalog.switchover();
    switchover.decide(steps);
    switchover.finish(context());
    catalog.removeLeftovers();
  }

  private static Switchover.Step put(String file) {
    return Switchover.Step.put(staged(file), file);
  }

  private static String staged(String file) {
    return HatsLayout.STAGING + "/" + file;
  }

  private static Map<String, Object> properties(
      PublishLedger ledger, List<PixelSplit.Part> parts, long bytes) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("obs_collection", ledger.name());
    properties.put("dataproduct_type", "source");
    properties.put("hats_nrows", ledger.rows());
    properties.put("hats_col_ra", "ra");
    properties.put("hats_col_dec", "dec");
    properties.put("hats_col_healpix", PublishedTable.INDEX);
    properties.put("hats_col_healpix_order", 29);
    properties.put("hats_cols_sort", String.join(" ", PublishedTable.SORTED_BY));
    properties.put("hats_npix_suffix", ".parquet");
    properties.put("hats_max_rows", ledger.maxRows());
    properties.put(
        "hats_order", parts.stream().mapToInt(part -> part.pixel().order()).max().orElse(0));
    if (bytes >= 0) {
      properties.put("hats_estsize", bytes / 1024);
    }
    properties.put("hats_builder", "Starmill " + ledger.softwareVersion());
    properties.put("hats_creation_date", MINUTE.format(Instant.now()));
    properties.put("hats_release_date", "2025-08-22");
    properties.put("hats_version", "v1.0");
    return properties;
  }

  private PublishSummary summary(
      CatalogFolder catalog,
      PublishLedger ledger,
      List<PublishSummary.Part> brought,
      Map<HealpixPixel, Long> pixels,
      int written,
      int removed)
      throws IOException {
    return new PublishSummary(
        ledger.name(),
        request.output(),
        ledger.publication(),
        catalog.finishedEarlier(),
        brought,
        ledger.rows(),
        pixels.size(),
        written,
        removed,
        pixels.keySet().stream().mapToInt(HealpixPixel::order).max().orElse(0),
        ledger.maxRows(),
        pixels.values().stream().mapToLong(Long::longValue).max().orElse(0),
        catalog.fileSystem().exists(catalog.at(HatsLayout.METADATA)),
        (System.nanoTime() - start) * 1e-9);
  }

  private JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(spark.sparkContext());
  }
}
