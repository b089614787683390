package org.starmill.campaign;

import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.Path;

/**
 * Knows on which machines a share's frames are kept, where their file system knows.
 *
 * <p>Asked on the driver, a call for each file. A file system that names no machine for one file is
 * not asked again: local disks and object stores.
 */
final class Locality {
  private static final int MOST_HOSTS = 3;

  private final Configuration hadoop;
  private final Set<String> ignorant = ConcurrentHashMap.newKeySet();

  Locality(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /** The machines of each share, those that hold most of it first; none where nothing is known. */
  List<List<String>> of(List<List<WorkItem>> shares) {
    return shares.parallelStream().map(this::hosts).toList();
  }

  private List<String> hosts(List<WorkItem> share) {
    Map<String, Long> bytes = new HashMap<>();
    Set<String> asked = new HashSet<>();
    for (WorkItem item : share) {
      PlannedFrame frame = item.frame();
      if (item.reason() == null && asked.add(frame.path())) {
        add(frame, bytes);
      }
    }
    return bytes.entrySet().stream()
        .sorted(
            Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(MOST_HOSTS)
        .map(Map.Entry::getKey)
        .toList();
  }

  private void add(PlannedFrame frame, Map<String, Long> bytes) {
    Path path = new Path(frame.path());
    String place = path.toUri().getScheme() + "://" + path.toUri().getAuthority();
    if (ignorant.contains(place)) {
      return;
    }
    boolean named = false;
    try {
      for (BlockLocation block :
          path.getFileSystem(hadoop).getFileBlockLocations(path, 0, frame.fileLength())) {
        for (String host : block.getHosts()) {
          if (!host.equals("localhost")) {
            bytes.merge(host, block.getLength(), Long::sum);
            named = true;
          }
        }
      }
      if (!named) {
        ignorant.add(place);
      }
    } catch (IOException unknown) {
      // Then any machine is as good as another; whoever reads the file says what is wrong with it.
      return;
    }
  }
}
