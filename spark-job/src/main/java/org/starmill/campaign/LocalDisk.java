package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * The local disk as Hadoop has it, but for how a file gets its permissions: by a call of the
 * system.
 *
 * <p>Without its native library, which few have, Hadoop starts a process of {@code chmod} for every
 * file and folder that it makes: 4 ms, some twenty times a batch.
 */
public final class LocalDisk extends LocalFileSystem {
  /** Called by Hadoop. */
  public LocalDisk() {
    super(new Raw());
  }

  private static final class Raw extends RawLocalFileSystem {
    private static final boolean UNIX =
        FileSystems.getDefault().supportedFileAttributeViews().contains("unix");

    @Override
    public void setPermission(Path file, FsPermission permission) throws IOException {
      if (!UNIX) {
        super.setPermission(file, permission);
        return;
      }
      try {
        Files.setAttribute(pathToFile(file).toPath(), "unix:mode", (int) permission.toShort());
      } catch (NoSuchFileException gone) {
        FileNotFoundException failure = new FileNotFoundException(gone.getMessage());
        failure.initCause(gone);
        throw failure;
      }
    }
  }
}
