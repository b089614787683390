package org.starmill.publish;

import java.io.IOException;
import java.util.function.Predicate;
import org.apache.hadoop.fs.Path;
import org.starmill.campaign.WatchedFileSystem;

/**
 * Refuses every change of a watched disk from a given one on, as if the process had been killed.
 */
final class Death implements WatchedFileSystem.Watch {
  private final Predicate<Path> last;
  private boolean dead;

  private Death(Predicate<Path> last) {
    this.last = last;
  }

  /** Comes before the change of which this says so. */
  static Death before(Predicate<Path> change) {
    Death death = new Death(change);
    WatchedFileSystem.watch(death);
    return death;
  }

  /** Comes before the change with that number, from 0. */
  static Death beforeChange(int number) {
    int[] left = {number};
    return before(path -> left[0]-- <= 0);
  }

  /** From now on nothing is refused. */
  static void none() {
    WatchedFileSystem.watch(changed -> {});
  }

  synchronized boolean hasCome() {
    return dead;
  }

  @Override
  public synchronized void before(Path changed) throws IOException {
    dead = dead || last.test(changed);
    if (dead) {
      throw new IOException("killed before " + changed.getName());
    }
  }
}
