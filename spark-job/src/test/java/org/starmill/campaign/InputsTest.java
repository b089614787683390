package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files the inputs of a campaign name; their contents do not matter here. */
class InputsTest {
  @TempDir Path folder;

  private void put(String... files) {
    for (String file : files) {
      try {
        Path path = folder.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, "x".repeat(path.getFileName().toString().length()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private List<String> listed(String... inputs) {
    List<String> below = Arrays.stream(inputs).map(input -> folder + "/" + input).toList();
    try (Inputs listing =
        Inputs.list(
            SmallNight.spark(),
            below,
            new org.apache.hadoop.fs.Path(folder.resolve("survey/catalog").toString()))) {
      return listing.files().collectAsList().stream()
          .map(
              file -> {
                String path = file.getString(0).substring(("file:" + folder + "/").length());
                String name = path.substring(path.lastIndexOf('/') + 1);
                assertThat(file.getLong(1)).isIn((long) name.length(), 0L);
                return path;
              })
          .sorted()
          .toList();
    }
  }

  @Test
  void aTreeOfNightsIsWalkedToItsLeavesAndHiddenOnesAndTheCatalogAreLeftOut() {
    put("survey/2024/05/11/a.fits", "survey/2024/05/11/b.FITS.fz", "survey/2024/05/notes.txt");
    put("survey/2024/06/c.fit.gz", "survey/top.fts", "survey/2024/_old/d.fits");
    put("survey/.cache/e.fits", "survey/catalog/masters/f.fits", "survey/catalog2/g.fits");
    put("survey/2024/.h.fits");
    assertThat(listed("survey"))
        .containsExactly(
            "survey/2024/05/11/a.fits",
            "survey/2024/05/11/b.FITS.fz",
            "survey/2024/06/c.fit.gz",
            "survey/catalog2/g.fits",
            "survey/top.fts");
  }

  @Test
  void aFileComesOnceHoweverManyInputsNameIt() {
    put("survey/n1/a.fits", "survey/n1/b.fits", "survey/n2/c.fits", "survey/n1/words");
    assertThat(listed("survey", "survey/n1", "survey/n*/*.fits", "survey/n1/a.fits"))
        .containsExactly("survey/n1/a.fits", "survey/n1/b.fits", "survey/n2/c.fits");
    assertThat(listed("survey/n1/words")).containsExactly("survey/n1/words");
  }

  @Test
  void aPatternMatchesFoldersAndFilesAtAnyDepth() {
    put("n1/raw/a.fits", "n1/raw/deep/b.fits", "n2/raw/c.fits", "n2/other/d.fits", "m3/raw/e.fits");
    put("n2/raw/words.txt");
    assertThat(listed("n*/raw"))
        .containsExactly("n1/raw/a.fits", "n1/raw/deep/b.fits", "n2/raw/c.fits");
    assertThat(listed("{n1/raw,m3}/*"))
        .containsExactly("m3/raw/e.fits", "n1/raw/a.fits", "n1/raw/deep/b.fits");
    assertThat(listed("n[2-9]/*/*.fits")).containsExactly("n2/other/d.fits", "n2/raw/c.fits");
    assertThatThrownBy(() -> listed("n1", "n1/nothing/*.fits"))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("n1/nothing/*.fits")
        .hasMessageContaining("nothing matches");
  }

  @Test
  void aLoopOfLinksGivesEachFrameOnceAndADanglingLinkARow() throws IOException {
    put("linked/real/a.fits", "elsewhere/b.fits", "elsewhere/deep/c.fits");
    Path linked = folder.resolve("linked");
    Files.createSymbolicLink(linked.resolve("loop"), linked);
    Files.createSymbolicLink(linked.resolve("again"), linked.resolve("real"));
    Files.createSymbolicLink(linked.resolve("away"), folder.resolve("elsewhere"));
    Files.createSymbolicLink(linked.resolve("also away"), folder.resolve("elsewhere"));
    Files.createSymbolicLink(folder.resolve("elsewhere/back"), linked);
    Files.createSymbolicLink(linked.resolve("gone.fits"), linked.resolve("nowhere"));
    assertThat(listed("linked"))
        .containsExactly(
            "linked/also away/b.fits",
            "linked/also away/deep/c.fits",
            "linked/gone.fits",
            "linked/real/a.fits");
  }
}
