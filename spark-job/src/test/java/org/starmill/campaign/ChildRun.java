package org.starmill.campaign;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program in a JVM of its own, which may end in any way. */
final class ChildRun {
  private static final long PATIENCE_MINUTES = 4;

  /** How a child ended. */
  record Ended(int exitCode, String log) {}

  private ChildRun() {}

  static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /**
   * Runs a main class to its end.
   *
   * @param folder for its log
   */
  static Ended of(
      String main,
      Path folder,
      Map<String, String> environment,
      List<String> options,
      List<String> arguments)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile(folder, "child", ".log");
    Process process = start(main, log, environment, options, arguments);
    try {
      return ended(process, log);
    } finally {
      process.destroyForcibly();
    }
  }

  /** Waits for the end of a child. */
  static Ended ended(Process process, Path log) throws IOException, InterruptedException {
    return ended(process, log, PATIENCE_MINUTES);
  }

  /** The same with another patience. */
  static Ended ended(Process process, Path log, long patienceMinutes)
      throws IOException, InterruptedException {
    if (!process.waitFor(patienceMinutes, TimeUnit.MINUTES)) {
      throw new AssertionError(
          "the child has not ended after %d minutes: %s"
              .formatted(patienceMinutes, Files.readString(log)));
    }
    return new Ended(process.exitValue(), Files.readString(log));
  }

  static Process start(
      String main,
      Path log,
      Map<String, String> environment,
      List<String> options,
      List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath(), main));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(log.getParent().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }
}
