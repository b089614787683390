package org.starmill.campaign;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.concurrent.CompletionException;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.MultipartUploader;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;

/**
 * Puts files into their places in one step each: whoever looks finds the former file or the new
 * one, whole.
 *
 * <p>An object store shows an object when its last byte has come, in place of a former one of that
 * name; there the file is written straight to its place, and given up without a trace where writing
 * fails. Elsewhere it is written as a draft and renamed, which local disks and HDFS do in one step,
 * over a former file as well. Which way it is the file system says itself: the first where a stream
 * can be given up ("fs.capability.outputstream.abortable").
 */
public final class Place {
  /** Writes a file's content; the stream is closed, or given up, by the caller. */
  public interface Content {
    void to(FSDataOutputStream out) throws IOException;
  }

  private final FileSystem fileSystem;
  private final boolean straight;

  /**
   * In the way that suits the file system of a folder.
   *
   * @throws IOException where it does not say what it can
   */
  public Place(FileSystem fileSystem, Path folder) throws IOException {
    this.fileSystem = fileSystem;
    this.straight = fileSystem.hasPathCapability(folder, CommonPathCapabilities.ABORTABLE_STREAM);
  }

  /** Whether files are written straight to their places, and not renamed. */
  public boolean isStraight() {
    return straight;
  }

  /**
   * Writes a file.
   *
   * @param to its place; a file that is there is replaced
   * @param draft where it may be written first; counts for nothing
   * @throws IOException where it cannot be written; a former file is still there then
   */
  public void put(Path to, Path draft, Content content) throws IOException {
    if (straight) {
      write(to, content);
      return;
    }
    write(draft, content);
    move(fileSystem, draft, to);
  }

  /**
   * Moves a file to its place, over a former one: in one step on local disks and HDFS. Where a
   * store renames over nothing, the former file is removed first.
   *
   * @throws IOException where it cannot be moved
   */
  public static void move(FileSystem fileSystem, Path from, Path to) throws IOException {
    fileSystem.mkdirs(to.getParent());
    if (fileSystem.getUri().getScheme().equals("hdfs")) {
      FileContext.getFileContext(to.toUri(), fileSystem.getConf())
          .rename(from, to, Rename.OVERWRITE);
      return;
    }
    if (renamed(fileSystem, from, to)) {
      return;
    }
    if (!fileSystem.isFile(to)) {
      throw new IOException("%s could not be renamed to %s".formatted(from, to));
    }
    fileSystem.delete(to, false);
    if (!renamed(fileSystem, from, to)) {
      throw new IOException(
          "%s could not be renamed to %s, from where a former file was removed"
              .formatted(from, to));
    }
  }

  private static boolean renamed(FileSystem fileSystem, Path from, Path to) throws IOException {
    try {
      return fileSystem.rename(from, to);
    } catch (FileAlreadyExistsException overNothing) {
      return false;
    }
  }

  private void write(Path file, Content content) throws IOException {
    FSDataOutputStream out = fileSystem.create(file, true);
    try {
      content.to(out);
    } catch (FSError failure) {
      giveUp(out, failure);
      throw new IOException(failure.getCause());
    } catch (IOException | RuntimeException | Error failure) {
      giveUp(out, failure);
      throw failure;
    }
    try {
      out.close();
    } catch (FSError failure) {
      throw new IOException(failure.getCause());
    }
  }

  /** Closing the stream would show the half of the file that is written. */
  private void giveUp(FSDataOutputStream out, Throwable failure) {
    try {
      if (straight) {
        out.abort();
      } else {
        out.close();
      }
    } catch (IOException | RuntimeException | FSError alsoFailed) {
      failure.addSuppressed(alsoFailed);
    }
  }

  /**
   * Gives up the uploads below a folder that were begun and never ended, which an object store
   * keeps, unseen, until it is told so.
   *
   * @return their number; 0 where the file system keeps none
   * @throws IOException where the store does not let them be listed or given up
   */
  int abortUploads(Path folder) throws IOException {
    if (!fileSystem.hasPathCapability(folder, CommonPathCapabilities.FS_MULTIPART_UPLOADER)) {
      return 0;
    }
    try (MultipartUploader uploader = fileSystem.createMultipartUploader(folder).build()) {
      return Math.max(0, uploader.abortUploadsUnderPath(folder).join());
    } catch (FileNotFoundException | UnsupportedOperationException none) {
      return 0;
    } catch (CompletionException notAllowed) {
      throw new IOException(String.valueOf(notAllowed.getCause()), notAllowed);
    }
  }
}
