package org.starmill.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.starmill.campaign.Refused;

/**
 * Keeps account of what a catalog holds: which batches of which campaigns, and how it is cut.
 *
 * <p>The file {@code _publish/ledger.json}. It is written last: what is not in it was not
 * published.
 *
 * @param name of the catalog
 * @param publication number of publications so far
 * @param softwareVersion that made the last one
 * @param maxRows above which a pixel is cut in four
 * @param maxOrder order of the smallest pixels, and of the counts in {@code _publish/histogram}
 * @param apertures number of those in its columns
 * @param rows of the whole catalog
 * @param campaigns by their names
 */
record PublishLedger(
    String name,
    int publication,
    String softwareVersion,
    long maxRows,
    int maxOrder,
    int apertures,
    long rows,
    SortedMap<String, Published> campaigns) {

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * What is published of a campaign.
   *
   * @param instrument name of the instrument file
   * @param configurationHash names the settings of all its images
   * @param batches by their names, with the mark of {@link CampaignBatches.Batch}
   */
  record Published(
      String instrument, String configurationHash, SortedMap<String, String> batches) {}

  /** The ledger in a file; empty where there is none. */
  static Optional<PublishLedger> read(FileSystem fileSystem, Path file) throws IOException {
    try (InputStream in = fileSystem.open(file)) {
      return Optional.of(JSON.readValue(in, PublishLedger.class));
    } catch (FileNotFoundException absent) {
      return Optional.empty();
    } catch (JsonProcessingException broken) {
      throw new Refused(
          "%s is no ledger of a catalog: %s; restore it, or publish into a new --output"
              .formatted(file, broken.getOriginalMessage()),
          broken);
    }
  }

  PublishLedger withRows(long number) {
    return new PublishLedger(
        name, publication, softwareVersion, maxRows, maxOrder, apertures, number, campaigns);
  }

  void write(FileSystem fileSystem, Path file) throws IOException {
    try (OutputStream out = fileSystem.create(file, true)) {
      out.write((JSON.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }
}
