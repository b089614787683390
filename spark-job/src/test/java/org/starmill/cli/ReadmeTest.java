package org.starmill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.starmill.DocumentedReasons;
import org.starmill.catalog.CatalogTable;
import org.starmill.catalog.Reasons;
import org.starmill.config.CampaignConfig;
import org.starmill.image.PixelFlag;
import org.starmill.instrument.Instrument;
import org.starmill.measure.StarFlag;

/** What README.md says is what the program does. */
class ReadmeTest {
  private static final Path HOME = home();
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)\\)");
  private static final Pattern CODE =
      Pattern.compile("new ImageRejected\\(\\s*\"([^\"]+)\"", Pattern.DOTALL);

  /** A text that begins with a code and a colon. */
  private static final Pattern WORDED = Pattern.compile("\"([A-Za-z][A-Za-z ]{2,30}): ");

  private static Path home() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("deploy/starmill"))) {
      folder = folder.getParent();
    }
    return folder;
  }

  private static String readme() {
    return read(HOME.resolve("README.md"));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @EnumSource(CatalogTable.class)
  void everyColumnOfTheCatalogIsExplained(CatalogTable table) {
    assertThat(readme()).contains("\n" + table.markdown() + "\n");
  }

  @Test
  void everyCommandHasItsLine() {
    assertThat(Starmill.commandLine().getSubcommands().keySet())
        .allSatisfy(command -> assertThat(readme()).contains("| `" + command + "` |"));
  }

  @Test
  void everyFlagHasItsLineWithItsBit() throws IllegalAccessException {
    List<String> lines = new ArrayList<>();
    for (Class<?> flags : List.of(PixelFlag.class, StarFlag.class)) {
      for (Field field : flags.getFields()) {
        int value = Modifier.isStatic(field.getModifiers()) ? field.getInt(null) : 0;
        if (Integer.bitCount(value) == 1) {
          lines.add(
              "| %d | %d | %s |"
                  .formatted(
                      Integer.numberOfTrailingZeros(value),
                      value,
                      field.getName().replace('_', ' ').toLowerCase(Locale.ROOT)));
        }
      }
    }
    assertThat(lines).hasSize(19);
    assertThat(lines)
        .allSatisfy(line -> assertThat(readme().toLowerCase(Locale.ROOT)).contains(line));
  }

  @Test
  void theListOfReasonsHasEveryCodeThatTheProgramGivesAndNoOther() throws IOException {
    Set<String> given = new TreeSet<>(Set.of(Reasons.NOT_USED));
    for (String module : List.of("kernels", "spark-job")) {
      given.addAll(found(CODE, module + "/src/main/java"));
    }
    for (String reasoning :
        List.of(
            "spark-job/src/main/java/org/starmill/campaign",
            "spark-job/src/main/java/org/starmill/masters",
            "spark-job/src/main/java/org/starmill/catalog/Reasons.java")) {
      given.addAll(found(WORDED, reasoning));
    }
    Set<String> ofMasters = Set.of("too faint", "flat without light");
    given.removeAll(ofMasters);
    given.removeAll(Set.of("device fallback", "code", "an earlier run", "warning"));

    assertThat(given).contains("no stars", "unreadable", "no WCS", "time limit", "internal error");
    assertThat(DocumentedReasons.CODES).isEqualTo(given);
    Set<String> others = found(WORDED, "kernels/src/main/java/org/starmill/calibrate");
    others.addAll(ofMasters);
    others.addAll(Set.of("too few bias frames", "too few flat frames"));
    assertThat(others)
        .contains("level off")
        .allSatisfy(
            code ->
                assertThat(read(HOME.resolve("spark-job/README.md")).replaceAll("\\s+", " "))
                    .contains("`" + code + "`"));
  }

  private static Set<String> found(Pattern pattern, String place) throws IOException {
    Set<String> codes = new TreeSet<>();
    try (Stream<Path> sources = Files.walk(HOME.resolve(place))) {
      sources
          .filter(file -> file.toString().endsWith(".java"))
          .forEach(
              file -> {
                Matcher matcher = pattern.matcher(read(file));
                while (matcher.find()) {
                  if (!matcher.group(1).contains("%")) {
                    codes.add(matcher.group(1));
                  }
                }
              });
    }
    return codes;
  }

  @Test
  void theCameraOfTheExampleIsUnderstood(@TempDir Path folder) throws IOException {
    String example = readme().replaceFirst("(?s).*As `mycamera.conf`:\\s+```\\n(.*?)```.*", "$1");
    Path file = Files.writeString(folder.resolve("mycamera.conf"), example);

    CampaignConfig config =
        CampaignConfig.load(
            null, List.of("instrument=" + file), name -> Instrument.load(name).campaignDefaults());

    assertThat(Instrument.load(config.instrument()).name()).isEqualTo("mycamera");
  }

  @Test
  void noLinkLeadsNowhere() throws IOException {
    List<String> dead = new ArrayList<>();
    for (String page :
        List.of(
            "README.md",
            "CONTRIBUTING.md",
            "kernels/README.md",
            "spark-job/README.md",
            "sample-data/README.md",
            "conf/README.md",
            "deploy/standalone/README.md")) {
      Matcher link = LINK.matcher(read(HOME.resolve(page)));
      while (link.find()) {
        if (!Files.exists(HOME.resolve(page).resolveSibling(link.group(1)))) {
          dead.add(page + ": " + link.group(1));
        }
      }
    }
    assertThat(dead).isEmpty();
  }
}
