package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.starmill.healpix.HealpixPixel;

class PixelSplitTest {
  private static PixelSplit.Part part(int order, long number, long rows, boolean changed) {
    return new PixelSplit.Part(new HealpixPixel(order, number), rows, changed);
  }

  @Test
  void aSparseSkyIsNotCut() {
    PixelSplit split = new PixelSplit(5, 100);
    split.add(3, 60, false);
    split.add(900, 40, true);
    split.add(11 << 10, 5, false);
    assertThat(split.parts()).containsExactly(part(0, 0, 100, true), part(0, 11, 5, false));
  }

  @Test
  void onlyTheCrowdedPartIsCut() {
    PixelSplit split = new PixelSplit(2, 10);
    split.add(0, 9, true);
    split.add(1, 9, false);
    split.add(4, 3, false);
    split.add(7, 3, false);
    split.add(17, 1, false);
    assertThat(split.parts())
        .containsExactly(
            part(2, 0, 9, true), part(2, 1, 9, false), part(1, 1, 6, false), part(0, 1, 1, false));
  }

  @Test
  void aPixelOfTheHighestOrderIsNotCutHoweverFull() {
    PixelSplit split = new PixelSplit(1, 10);
    split.add(5, 1000, false);
    split.add(6, 1, false);
    assertThat(split.parts()).containsExactly(part(1, 5, 1000, false), part(1, 6, 1, false));
  }

  @Test
  void aPixelWhoseLastRowsHaveGoneIsNoneButItsParentHasChanged() {
    PixelSplit split = new PixelSplit(1, 10);
    split.add(0, 0, true);
    split.add(1, 3, false);
    split.add(8, 0, true);
    assertThat(split.parts()).containsExactly(part(0, 0, 3, true));
  }

  @Test
  void countsOutOfTheirOrderAreRefused() {
    PixelSplit split = new PixelSplit(1, 10);
    split.add(5, 1, false);
    assertThatThrownBy(() -> split.add(5, 1, false)).hasMessageContaining("ascending");
    assertThatThrownBy(() -> split.add(6, -1, false)).hasMessageContaining("negative");
  }

  @Property(tries = 300, seed = "5")
  void everyRowBelongsToTheLargestPixelThatIsNotTooFull(
      @ForAll @Size(min = 1, max = 60) List<@LongRange(min = 0, max = (12 << 8) - 1) Long> pixels,
      @ForAll @IntRange(min = 1, max = 12) int most) {
    int order = 4;
    TreeMap<Long, Long> counts = new TreeMap<>();
    pixels.forEach(pixel -> counts.merge(pixel % 40 * 77, pixel % 5 + 1, Long::sum));
    PixelSplit split = new PixelSplit(order, most);
    counts.forEach((pixel, rows) -> split.add(pixel, rows, pixel % 3 == 0));

    Map<HealpixPixel, Long> expected = new TreeMap<>((a, b) -> Long.compare(a.first(), b.first()));
    counts.forEach(
        (pixel, rows) -> {
          int level = 0;
          while (level < order && within(counts, order, level, pixel) > most) {
            level++;
          }
          expected.merge(new HealpixPixel(level, pixel >> 2 * (order - level)), rows, Long::sum);
        });
    List<HealpixPixel> order29 = new ArrayList<>();
    Map<HealpixPixel, Long> found = new TreeMap<>((a, b) -> Long.compare(a.first(), b.first()));
    for (PixelSplit.Part part : split.parts()) {
      order29.add(part.pixel());
      found.put(part.pixel(), part.rows());
    }
    assertThat(found).isEqualTo(expected);
    assertThat(order29).containsExactlyElementsOf(expected.keySet());
  }

  private static long within(TreeMap<Long, Long> counts, int order, int level, long pixel) {
    long first = pixel >> 2 * (order - level) << 2 * (order - level);
    return counts.subMap(first, first + (1L << 2 * (order - level))).values().stream()
        .mapToLong(Long::longValue)
        .sum();
  }
}
