package org.starmill.campaign;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Cuts the images of a batch into the shares of its tasks, the most expensive share first.
 *
 * <p>A share is a run of neighbours in the batch's order, so that images with the same masters stay
 * together. Its cost is a part of what is left for each slot (guided self-scheduling,
 * Polychronopoulos and Kuck 1987, IEEE Trans. Computers 36, 1425): the first shares are large, so
 * that a task has frames to read ahead and masters to use again, the last ones are single images,
 * so that all slots end together. Small images stay together until they are worth a task. Where
 * there are very many images no share is more than a sixteenth of a slot's, so that a lost one
 * costs little.
 */
final class Shares {
  /** Into how many parts what is left for a slot is cut to make the next share. */
  private static final int PARTS = 2;

  /** No share is larger than the slot's part over this... */
  private static final int TASKS_A_SLOT = 16;

  /** ...or than so many average images, whichever is more. */
  private static final int IMAGES_A_TASK = 16;

  private Shares() {}

  /**
   * Cuts a batch.
   *
   * @param cost of an item, in any unit; not negative
   * @param slots tasks that run at the same time
   * @param least cost that is worth a task of its own
   * @return each item once, in shares that are not empty
   */
  static <T> List<List<T>> of(List<T> items, ToDoubleFunction<T> cost, int slots, double least) {
    record Share<T>(List<T> items, double cost) {}
    double total = items.stream().mapToDouble(cost).sum();
    double most =
        Math.max(total / ((double) TASKS_A_SLOT * slots), IMAGES_A_TASK * total / items.size());
    List<Share<T>> shares = new ArrayList<>();
    double left = total;
    int next = 0;
    while (next < items.size()) {
      double wanted = Math.min(most, Math.max(least, left / ((double) PARTS * slots)));
      List<T> share = new ArrayList<>();
      double sum = 0;
      do {
        sum += cost.applyAsDouble(items.get(next));
        share.add(items.get(next++));
      } while (next < items.size() && sum + cost.applyAsDouble(items.get(next)) / 2 <= wanted);
      shares.add(new Share<>(share, sum));
      left -= sum;
    }
    shares.sort(Comparator.comparingDouble((Share<T> share) -> share.cost()).reversed());
    return shares.stream().map(Share::items).toList();
  }
}
