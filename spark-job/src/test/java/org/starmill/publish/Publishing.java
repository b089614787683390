package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Publishes made-up campaigns, and compares what became of them. */
final class Publishing {
  static final long MAX_ROWS = 300;

  private Publishing() {}

  static PublishSummary publish(String output, SyntheticCampaign... campaigns) {
    List<String> inputs =
        Arrays.stream(campaigns).map(campaign -> campaign.folder().toString()).toList();
    return new Publication(
            SyntheticCampaign.spark(),
            new PublishRequest(inputs, output, null, MAX_ROWS, null),
            step -> {})
        .run();
  }

  static PublishSummary publish(Path output, SyntheticCampaign... campaigns) {
    return publish(output.toString(), campaigns);
  }

  /** Every file with what is in it and when it was written. */
  static Map<String, String> files(Path catalog) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var paths = Files.walk(catalog)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(
            catalog.relativize(path).toString(),
            Files.getLastModifiedTime(path) + " " + Arrays.hashCode(Files.readAllBytes(path)));
      }
    }
    return files;
  }

  static void assertSame(Path catalog, Path expected) throws IOException {
    assertThat(new HatsReader(catalog).pixels()).isEqualTo(new HatsReader(expected).pixels());
    String rows = "SELECT * EXCLUDE (filename) FROM ";
    String a = rows + new HatsReader(catalog).all();
    String b = rows + new HatsReader(expected).all();
    assertThat(HatsReader.number("SELECT count(*) FROM ((%s) EXCEPT ALL (%s))".formatted(a, b)))
        .isZero();
    assertThat(HatsReader.number("SELECT count(*) FROM ((%s) EXCEPT ALL (%s))".formatted(b, a)))
        .isZero();
  }
}
