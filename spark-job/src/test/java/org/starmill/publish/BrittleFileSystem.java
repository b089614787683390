package org.starmill.publish;

import java.io.IOException;
import java.net.URI;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A local disk under the name {@code brittle:} that refuses to be changed from a given moment on,
 * as if the process had been killed then.
 */
public final class BrittleFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "brittle";

  /** Says at each change whether it is the last moment. */
  private static Predicate<Path> last = path -> false;

  private static boolean dead;

  /** Dies before the change of which this says so. */
  static synchronized void dieAt(Predicate<Path> moment) {
    last = moment;
    dead = false;
  }

  /** Dies before the change with that number, from 0. */
  static void dieAt(int change) {
    int[] left = {change};
    dieAt(path -> left[0]-- <= 0);
  }

  static void live() {
    dieAt(path -> false);
  }

  static synchronized boolean isDead() {
    return dead;
  }

  static void register(Configuration hadoop) {
    hadoop.set("fs.brittle.impl", BrittleFileSystem.class.getName());
  }

  private static synchronized void change(Path path) throws IOException {
    dead = dead || last.test(path);
    if (dead) {
      throw new IOException("killed before " + path.getName());
    }
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  protected void checkPath(Path path) {
    // Any path of a local disk will do.
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    change(path);
    return super.create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    change(path);
    return super.create(path, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    change(to);
    return super.rename(from, to);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    if (exists(path)) {
      change(path);
    }
    return super.delete(path, recursive);
  }
}
