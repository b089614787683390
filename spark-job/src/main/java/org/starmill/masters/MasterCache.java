package org.starmill.masters;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.hadoop.conf.Configuration;
import org.starmill.calibrate.Master;
import org.starmill.image.ImageRejected;

/**
 * Keeps the masters that this JVM's tasks use, so that each is read once for many images.
 *
 * <p>Bounded in bytes: the master that was asked for longest ago goes first. Two tasks that ask for
 * the same master at the same time wait for one reading. A master that cannot be read is not kept.
 */
public final class MasterCache {
  /** The cache of this JVM: a fifth of its heap, until {@link #bound} says otherwise. */
  public static final MasterCache OF_THIS_JVM =
      new MasterCache(Runtime.getRuntime().maxMemory() / 5, MasterFile::read);

  /** Reads a master. */
  interface Reading {
    Master read(String path, Configuration hadoop);
  }

  private volatile long capacity;
  private final Reading reading;
  private final LinkedHashMap<String, CompletableFuture<Master>> held =
      new LinkedHashMap<>(16, 0.75f, true);

  MasterCache(long capacity, Reading reading) {
    this.capacity = capacity;
    this.reading = reading;
  }

  /**
   * Sets how many bytes are kept at most, beside the master that was read last.
   *
   * <p>The settings of a campaign say so in each of its tasks; those of the last task hold.
   */
  public void bound(long bytes) {
    if (bytes != capacity) {
      capacity = bytes;
      shrink();
    }
  }

  /**
   * The master of a file.
   *
   * @throws org.starmill.image.ImageRejected where the file cannot be read
   */
  public Master get(String path, Configuration hadoop) {
    CompletableFuture<Master> mine = null;
    CompletableFuture<Master> master;
    synchronized (held) {
      master = held.get(path);
      if (master == null) {
        mine = new CompletableFuture<>();
        master = mine;
        held.put(path, mine);
      }
    }
    if (mine != null) {
      try {
        Master read = reading.read(path, hadoop);
        mine.complete(read);
        shrink();
        return read;
      } catch (RuntimeException | Error e) {
        synchronized (held) {
          held.remove(path, mine);
        }
        mine.completeExceptionally(e);
        throw e;
      }
    }
    try {
      return master.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof ImageRejected rejected) {
        throw rejected;
      }
      // The other task was stopped or ran out of memory: that says nothing of the file.
      return get(path, hadoop);
    }
  }

  private void shrink() {
    synchronized (held) {
      long bytes = 0;
      List<String> readyFromOldest = new ArrayList<>();
      for (Map.Entry<String, CompletableFuture<Master>> entry : held.entrySet()) {
        if (entry.getValue().isDone()) {
          readyFromOldest.add(entry.getKey());
          bytes += bytes(entry.getValue().join());
        }
      }
      Iterator<String> oldest = readyFromOldest.iterator();
      // The one just read stays, however large it is.
      while (bytes > capacity && held.size() > 1 && oldest.hasNext()) {
        bytes -= bytes(held.remove(oldest.next()).join());
      }
    }
  }

  private static long bytes(Master master) {
    return 4L * master.level().length + 4L * master.error().length + 2L * master.used().length;
  }

  int size() {
    synchronized (held) {
      return held.size();
    }
  }
}
