package org.starmill.campaign;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.starmill.masters.MasterFrames;

/**
 * A local disk under the name {@code trap:} on which some files are deadly: whoever opens one in
 * order to measure it, or to make a master of it, is halted, as by a crash of a library, or never
 * hears of it again.
 */
public final class TrapFileSystem extends RawLocalFileSystem {
  static final String IMPLEMENTATION = "fs.trap.impl";
  static final int HALTED = 3;

  /** Until this is counted down, who opens a deaf file does not hear that it is to stop. */
  static final CountDownLatch DEAF = new CountDownLatch(1);

  static void register(Configuration hadoop) {
    hadoop.set(IMPLEMENTATION, TrapFileSystem.class.getName());
  }

  static String path(java.nio.file.Path folder) {
    return "trap://" + folder;
  }

  @Override
  public URI getUri() {
    return URI.create("trap:///");
  }

  @Override
  public String getScheme() {
    return "trap";
  }

  @Override
  protected void checkPath(Path path) {
    // Any path of a local disk will do.
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    if (inOrderToMeasure()) {
      if (file.getName().contains("halts")) {
        Runtime.getRuntime().halt(HALTED);
      }
      if (file.getName().contains("hangs")) {
        try {
          TimeUnit.DAYS.sleep(1);
        } catch (InterruptedException stopped) {
          throw new InterruptedIOException("told to stop");
        }
      }
      if (file.getName().contains("deaf")) {
        while (DEAF.getCount() > 0) {
          Thread.onSpinWait();
        }
      }
    }
    return super.open(file, bufferSize);
  }

  private static boolean inOrderToMeasure() {
    String task = BatchTask.class.getName();
    String master = MasterFrames.class.getName();
    return StackWalker.getInstance()
        .walk(
            calls ->
                calls
                    .map(StackWalker.StackFrame::getClassName)
                    .anyMatch(call -> call.startsWith(task) || call.startsWith(master)));
  }
}
