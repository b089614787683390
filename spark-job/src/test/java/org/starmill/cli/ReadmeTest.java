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
import org.starmill.catalog.CatalogTable;
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
  void everyReasonIsExplained() throws IOException {
    Set<String> codes = new TreeSet<>(Set.of("no WCS", "no bias", "no flat", "not used"));
    codes.addAll(
        Set.of("internal error", "out of memory", "too few bias frames", "too few flat frames"));
    for (String module : List.of("kernels", "spark-job")) {
      try (Stream<Path> sources = Files.walk(HOME.resolve(module).resolve("src/main/java"))) {
        sources
            .filter(file -> file.toString().endsWith(".java"))
            .forEach(
                file -> {
                  Matcher matcher = CODE.matcher(read(file));
                  while (matcher.find()) {
                    if (!matcher.group(1).contains("%")) {
                      codes.add(matcher.group(1));
                    }
                  }
                });
      }
    }
    assertThat(codes).contains("no stars", "unreadable", "missing keyword");
    assertThat(codes).allSatisfy(code -> assertThat(readme()).contains("`" + code + "`"));
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
            "conf/README.md")) {
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
