package org.starmill.campaign;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A local disk whose every change is announced, and may be refused: from then on by a process that
 * was killed, or by a disk that is full or can only be read.
 */
public class WatchedFileSystem extends RawLocalFileSystem {
  public static final String DISK = "watched-disk";
  public static final String STORE = "watched-store";

  /** Hears of a change before it happens, and refuses it by an exception. */
  public interface Watch {
    void before(Path changed) throws IOException;
  }

  private static volatile Watch watch = changed -> {};

  public static void watch(Watch watching) {
    watch = watching;
  }

  static Configuration configuration() {
    Configuration hadoop = new Configuration(false);
    register(hadoop);
    return hadoop;
  }

  public static void register(Configuration hadoop) {
    hadoop.set("fs." + DISK + ".impl", WatchedFileSystem.class.getName());
    hadoop.set("fs." + STORE + ".impl", Store.class.getName());
  }

  String scheme() {
    return DISK;
  }

  @Override
  public URI getUri() {
    return URI.create(scheme() + ":///");
  }

  @Override
  public String getScheme() {
    return scheme();
  }

  @Override
  protected void checkPath(Path path) {
    // Any path of a local disk will do.
  }

  @Override
  protected boolean mkOneDirWithMode(Path path, File folder, FsPermission permission) {
    // Without a chmod, which is a process of its own.
    return folder.mkdir();
  }

  @Override
  public void access(Path path, FsAction mode) {
    // What may not be changed, the watch refuses.
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
    return create(path, overwrite, bufferSize, replication, blockSize, progress);
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
    watch.before(path);
    FSDataOutputStream file =
        super.create(path, overwrite, bufferSize, replication, blockSize, progress);
    return new FSDataOutputStream(
        new OutputStream() {
          private boolean empty = true;

          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            if (empty) {
              watch.before(path);
              empty = false;
            }
            file.write(bytes, offset, length);
          }

          @Override
          public void close() throws IOException {
            try (file) {
              watch.before(path);
            }
          }
        },
        null);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return withoutOwner(super.getFileStatus(path));
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    FileStatus[] children = super.listStatus(path);
    for (int i = 0; i < children.length; i++) {
      children[i] = withoutOwner(children[i]);
    }
    return children;
  }

  /** To learn whose a file is, a local disk must be called "file:". */
  private static FileStatus withoutOwner(FileStatus file) {
    return new FileStatus(
        file.getLen(),
        file.isDirectory(),
        1,
        file.getBlockSize(),
        file.getModificationTime(),
        file.getPath());
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    watch.before(to);
    return super.rename(from, to);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    if (exists(path)) {
      watch.before(path);
    }
    return super.delete(path, recursive);
  }

  /**
   * An object store: a file is there once its last byte has come, and a folder is renamed file by
   * file, each of them copied and then removed.
   */
  public static final class Store extends WatchedFileSystem {
    @Override
    String scheme() {
      return STORE;
    }

    @Override
    public boolean hasPathCapability(Path path, String capability) throws IOException {
      return capability.equals(CommonPathCapabilities.ABORTABLE_STREAM)
          || super.hasPathCapability(path, capability);
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
      watch.before(path);
      return new FSDataOutputStream(new Upload(path), null);
    }

    private final class Upload extends ByteArrayOutputStream implements Abortable {
      private final Path path;
      private boolean open = true;

      Upload(Path path) {
        this.path = path;
      }

      @Override
      public void close() throws IOException {
        if (open) {
          open = false;
          put(path, toByteArray());
        }
      }

      @Override
      public AbortableResult abort() {
        open = false;
        return null;
      }
    }

    private void put(Path path, byte[] bytes) throws IOException {
      watch.before(path);
      java.nio.file.Path place = pathToFile(path).toPath();
      Files.createDirectories(place.getParent());
      java.nio.file.Path upload = Files.createTempFile("upload", null);
      Files.write(upload, bytes);
      Files.move(upload, place, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
      if (exists(to)) {
        return false;
      }
      if (getFileStatus(from).isDirectory()) {
        for (FileStatus child : listStatus(from)) {
          rename(child.getPath(), new Path(to, child.getPath().getName()));
        }
      } else {
        put(to, Files.readAllBytes(pathToFile(from).toPath()));
      }
      return delete(from, true);
    }
  }
}
