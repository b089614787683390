package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.campaign.WatchedFileSystem;

/** Wherever the driver dies, the files are the former ones or become the new ones, all of them. */
class SwitchoverTest {
  private static final Map<String, String> FORMER =
      Map.of("list", "former", "a", "a1", "b", "b1", "cut", "c1", "sum", "s1");
  private static final Map<String, String> NEW =
      Map.of("list", "new", "a", "a2", "b", "b1", "cut/1", "c2", "cut/2", "c3", "sum", "s2");

  private static JavaSparkContext spark;

  @TempDir Path folder;

  @BeforeAll
  static void session() {
    spark = JavaSparkContext.fromSparkContext(SyntheticCampaign.spark().sparkContext());
  }

  @AfterEach
  void live() {
    Death.none();
  }

  private Switchover switchover(String scheme) throws IOException {
    Configuration hadoop = spark.hadoopConfiguration();
    WatchedFileSystem.register(hadoop);
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(scheme + ":" + folder);
    FileSystem fileSystem = path.getFileSystem(hadoop);
    fileSystem.setWriteChecksum(false);
    return new Switchover(path, fileSystem);
  }

  /** A former catalog, in which a pixel "cut" is to become two, and another to be written anew. */
  private List<Switchover.Step> stage() throws IOException {
    for (Map.Entry<String, String> file : FORMER.entrySet()) {
      write("data/" + file.getKey().replace("cut", "cut/0"), file.getValue());
    }
    for (String file : List.of("list", "a", "cut/1", "cut/2", "sum")) {
      write("_publish/staging/" + file, NEW.get(file));
    }
    return List.of(
        Switchover.Step.withdraw("_publish/staging/sum", "data/sum"),
        put("a"),
        put("cut/1"),
        put("cut/2"),
        put("list"),
        Switchover.Step.delete("data/cut/0"),
        put("sum"));
  }

  private static Switchover.Step put(String file) {
    return Switchover.Step.put("_publish/staging/" + file, "data/" + file);
  }

  private void write(String file, String text) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private Map<String, String> data() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var paths = Files.walk(folder.resolve("data"))) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(
            folder.resolve("data").relativize(path).toString().replace("cut/0", "cut"),
            Files.readString(path));
      }
    }
    return files;
  }

  @Test
  void filesComeIntoTheirPlaces() throws IOException {
    Switchover switchover = switchover("file");
    switchover.decide(stage());
    assertThat(data()).isEqualTo(FORMER);
    assertThat(switchover.finish(spark)).isTrue();
    assertThat(data()).isEqualTo(NEW);
    assertThat(switchover.finish(spark)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aSwitchThatWasKilledAnywhereIsFinishedByTheNext(String store) throws Exception {
    int moment = 0;
    boolean died = true;
    while (died) {
      List<Switchover.Step> steps = stage();
      Files.deleteIfExists(folder.resolve("data/cut/1"));
      Files.deleteIfExists(folder.resolve("data/cut/2"));
      Switchover switchover = switchover(store);
      Death death = Death.beforeChange(moment++);
      try {
        switchover.decide(steps);
        switchover.finish(spark);
      } catch (Exception killed) {
        assertThat(death.hasCome()).as(killed.toString()).isTrue();
      }
      died = death.hasCome();
      Path decision = folder.resolve("_publish/switch.csv");
      boolean decided = Files.exists(decision) && Files.readString(decision).endsWith("end\n");
      Map<String, String> left = data();
      // Who goes by the list finds all that it lists, the former at least.
      if (left.get("list").equals("former")) {
        assertThat(left).containsEntry("cut", "c1").containsEntry("b", "b1").containsKey("a");
      } else {
        assertThat(left).containsAllEntriesOf(Map.of("a", "a2", "cut/1", "c2", "cut/2", "c3"));
      }
      Death.none();
      switchover.finish(spark);
      assertThat(data())
          .as("killed at change %d", moment - 1)
          .isEqualTo(decided || !died ? NEW : FORMER);
    }
    assertThat(moment).isGreaterThan(7);
  }

  @Test
  void aDecisionThatWasCutOffIsNone() throws IOException {
    Switchover switchover = switchover("file");
    switchover.decide(stage());
    String whole = Files.readString(folder.resolve("_publish/switch.csv"));
    for (int length = 0; length < whole.length() - 1; length += 3) {
      write("_publish/switch.csv", whole.substring(0, length));
      assertThat(switchover.finish(spark)).isFalse();
      assertThat(data()).isEqualTo(FORMER);
      assertThat(folder.resolve("_publish/switch.csv")).doesNotExist();
    }
  }

  @Test
  void aStagedFileThatIsLostIsNamed() throws IOException {
    Switchover switchover = switchover("file");
    switchover.decide(stage());
    Files.delete(folder.resolve("_publish/staging/cut/2"));
    assertThatThrownBy(() -> switchover.finish(spark))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("staging/cut/2");
  }
}
