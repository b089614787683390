package org.starmill.campaign;

import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Keeps paths that a user has given from being taken below a folder that the user does not mean.
 *
 * <p>A driver in cluster mode works in a folder that the cluster has made for it, on any of its
 * machines: below that a relative path of a local disk would be looked for, and written.
 */
public final class GivenPath {
  private GivenPath() {}

  /**
   * Refuses a relative path on a local disk where this driver was started by a cluster.
   *
   * @param option that it was given with, as "--output"
   * @throws Refused in that case
   */
  public static void refuseRelativeInCluster(String option, Path path, FileSystem fileSystem) {
    if (!path.isAbsolute()
        && "file".equals(fileSystem.getUri().getScheme())
        && "cluster".equals(System.getProperty("spark.submit.deployMode"))) {
      throw new Refused(
          "%s %s is relative, and in cluster mode the driver works in a folder of its own, %s; expected an absolute path; give one that all machines of the cluster see"
              .formatted(option, path, System.getProperty("user.dir")));
    }
  }
}
