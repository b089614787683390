package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SharesTest {
  /** Seconds until the last slot ends, each taking the next share when it is free. */
  private static double seconds(List<List<Double>> shares, int slots) {
    PriorityQueue<Double> free = new PriorityQueue<>(Collections.nCopies(slots, 0.0));
    for (List<Double> share : shares) {
      free.add(free.remove() + sum(share));
    }
    return Collections.max(free);
  }

  private static double sum(List<Double> costs) {
    return costs.stream().mapToDouble(Double::doubleValue).sum();
  }

  @Property(seed = "5")
  void everyImageIsInOneShareAndTheLargestShareComesFirst(
      @ForAll @Size(min = 1, max = 200) List<@DoubleRange(min = 0, max = 50) Double> costs,
      @ForAll @IntRange(min = 1, max = 40) int slots) {
    record Item(int number, double cost) {}
    List<Item> items =
        IntStream.range(0, costs.size()).mapToObj(i -> new Item(i, costs.get(i))).toList();

    List<List<Item>> shares = Shares.of(items, Item::cost, slots, 0);

    assertThat(shares).noneMatch(List::isEmpty);
    assertThat(shares.stream().flatMap(List::stream).map(Item::number))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, costs.size()).boxed().toList());
    for (List<Item> share : shares) {
      assertThat(share.get(share.size() - 1).number() - share.get(0).number())
          .as("neighbours stay together")
          .isEqualTo(share.size() - 1);
    }
    assertThat(shares.stream().map(share -> share.stream().mapToDouble(Item::cost).sum()).toList())
        .isSortedAccordingTo(
            Comparator.comparingDouble((Double cost) -> Math.rint(cost * 1e6)).reversed());
  }

  @Test
  void slotsEndTogetherThoughAFieldInTheMilkyWayCostsThirtyTimesAnother() {
    Random random = new Random(7);
    List<Double> costs = new ArrayList<>();
    for (int field = 0; field < 40; field++) {
      double cost = random.nextInt(8) == 0 ? 30 : 1 + random.nextDouble();
      costs.addAll(Collections.nCopies(20, cost));
    }
    int slots = 8;
    double least = sum(costs) / slots;

    assertThat(seconds(Shares.of(costs, cost -> cost, slots, 0), slots)).isLessThan(1.02 * least);
    assertThat(seconds(Shares.of(costs, cost -> 1, slots, 0), slots))
        .as("by number alone")
        .isGreaterThan(1.05 * least);
  }

  @Test
  void aTaskHasFramesToReadAheadAndNoTaskIsMoreThanASixteenthOfASlotsShareOfAHugeBatch() {
    assertThat(Shares.of(Collections.nCopies(64, 1.0), cost -> cost, 2, 0).get(0)).hasSize(16);
    assertThat(Shares.of(Collections.nCopies(10_000, 1.0), cost -> cost, 2, 0).get(0))
        .hasSizeBetween(300, 320);
  }

  @Test
  void smallImagesStayTogetherUntilTheyAreWorthATask() {
    List<Double> small = Collections.nCopies(64, 0.5);

    assertThat(Shares.of(small, cost -> cost, 2, 0)).hasSizeGreaterThan(10);
    assertThat(Shares.of(small, cost -> cost, 2, 5).stream().map(List::size))
        .as("16 at most, 10 are worth a task")
        .containsExactly(16, 12, 10, 10, 10, 6);
    assertThat(Shares.of(Collections.nCopies(64, 5.0), cost -> cost, 2, 5))
        .as("an image that is worth a task alone")
        .isEqualTo(Shares.of(Collections.nCopies(64, 5.0), cost -> cost, 2, 0));
  }
}
