package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * A real standalone cluster on the loopback address: a master and two workers, each a process of
 * its own, started and stopped by the scripts of {@code deploy/standalone}.
 *
 * <p>Those, the launcher and the settings are copied beside a jar of the classes under test, as to
 * a machine that has no sources. Each worker offers two GPUs, as a script says that there are, and
 * an executor that asks for both has its worker for itself.
 */
final class StandaloneCluster implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 300;

  private final Path installation;
  private final Path folder;

  /** Where this JVM is told to end before {@link #close}, as by Maven when that is stopped. */
  private final Thread atExit =
      new Thread(
          () -> {
            try {
              runningNow().forEach(ProcessHandle::destroyForcibly);
            } catch (IOException unreadable) {
              throw new UncheckedIOException(unreadable);
            }
          });

  /**
   * Starts the cluster.
   *
   * @param folder for all of its files
   */
  StandaloneCluster(Path folder) throws IOException, InterruptedException {
    this.installation = Files.createDirectories(folder.resolve("starmill"));
    this.folder = folder.resolve("cluster");
    install();
    Path gpus =
        Files.writeString(
            folder.resolve("two-gpus.sh"),
            "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\"]}'\n");
    assertThat(gpus.toFile().setExecutable(true)).isTrue();
    Runtime.getRuntime().addShutdownHook(atExit);
    try {
      Path log = folder.resolve("start.log");
      Process start =
          bash(
              log,
              "exec deploy/standalone/cluster start --port %d --ui-port 0 --cores 2 --memory 2g --gpus 2 --gpu-script '%s' --dir '%s'"
                  .formatted(freePort(), gpus, this.folder));
      assertThat(ChildRun.ended(start, log).exitCode()).as(Files.readString(log)).isZero();
    } catch (IOException | InterruptedException | AssertionError failed) {
      close();
      throw failed;
    }
  }

  private void install() throws IOException {
    Path root = Path.of("").toAbsolutePath().getParent();
    for (String part : List.of("deploy", "conf")) {
      copy(root.resolve(part), installation.resolve(part));
    }
    Path target = Files.createDirectories(installation.resolve("spark-job/target"));
    List<String> own = new ArrayList<>();
    for (String entry : ChildRun.classPath().split(File.pathSeparator)) {
      if (entry.startsWith(root + "/") && !entry.endsWith("test-classes")) {
        own.add(entry);
      }
    }
    writeJar(own, target.resolve("spark-job-0.1.0-all.jar"));
    String classPath = Files.readString(root.resolve("spark-job/target/spark-classpath.txt"));
    Files.writeString(
        target.resolve("spark-classpath.txt"),
        String.join(
            File.pathSeparator,
            Arrays.stream(classPath.strip().split(File.pathSeparator))
                .filter(entry -> !entry.startsWith(root + "/"))
                .toList()));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  /** Puts what stands in folders and jars into one jar. */
  private static void writeJar(List<String> entries, Path jar) throws IOException {
    Set<String> written = new HashSet<>();
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream all = new JarOutputStream(out)) {
      for (String entry : entries) {
        Path path = Path.of(entry);
        if (Files.isDirectory(path)) {
          write(path, written, all);
        } else {
          try (var opened = FileSystems.newFileSystem(path)) {
            write(opened.getPath("/"), written, all);
          }
        }
      }
    }
    assertThat(written).contains("org/starmill/cli/Starmill.class", "conf/starmill.conf");
  }

  private static void write(Path root, Set<String> written, JarOutputStream jar)
      throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        String name = root.relativize(file).toString();
        if (written.add(name) && !name.startsWith("META-INF/MANIFEST")) {
          jar.putNextEntry(new JarEntry(name));
          Files.copy(file, jar);
          jar.closeEntry();
        }
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /**
   * Starts a command of Starmill on the cluster, as its operator does.
   *
   * @param submitOptions words for spark-submit
   * @param arguments of the command, without a blank in them
   */
  Process starmill(Path log, List<String> submitOptions, List<String> arguments)
      throws IOException {
    return bash(
        log,
        """
        eval "$(deploy/standalone/cluster env --dir '%s')"
        STARMILL_SUBMIT_OPTIONS="$STARMILL_SUBMIT_OPTIONS %s"
        exec deploy/starmill %s
        """
            .formatted(folder, String.join(" ", submitOptions), String.join(" ", arguments)));
  }

  private Process bash(Path log, String script) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", script)
            .directory(installation.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    var environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("SPARK_") || name.startsWith("STARMILL"));
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("SPARK_DAEMON_MEMORY", "256m");
    environment.put("SPARK_DAEMON_JAVA_OPTS", "-XX:TieredStopAtLevel=1");
    return builder.start();
  }

  /** The executors and drivers that the workers have started. */
  List<ProcessHandle> processes(String words) throws IOException, InterruptedException {
    List<ProcessHandle> found = new ArrayList<>();
    for (ProcessHandle worker : daemons("worker-")) {
      for (ProcessHandle process : worker.descendants().toList()) {
        if (commandOf(process).contains(words)) {
          found.add(process);
        }
      }
    }
    return found;
  }

  /** What {@link ProcessHandle.Info} leaves out where it is long. */
  private static String commandOf(ProcessHandle process) throws IOException, InterruptedException {
    Process ps =
        new ProcessBuilder("ps", "-ww", "-o", "args=", "-p", String.valueOf(process.pid())).start();
    String command = new String(ps.getInputStream().readAllBytes());
    ps.waitFor();
    return command;
  }

  private List<ProcessHandle> daemons(String kind) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    List<ProcessHandle> daemons = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = file.getFileName().toString();
        if (name.startsWith(kind) && name.endsWith(".pid")) {
          ProcessHandle.of(Long.parseLong(Files.readString(file).strip())).ifPresent(daemons::add);
        }
      }
    }
    return daemons;
  }

  /** The master, the workers, and what they have started. */
  private List<ProcessHandle> runningNow() throws IOException {
    List<ProcessHandle> all = new ArrayList<>();
    for (ProcessHandle daemon : daemons("")) {
      all.add(daemon);
      all.addAll(daemon.descendants().toList());
    }
    return all;
  }

  /** Sends a signal to a process, as "STOP". */
  static void signal(String name, ProcessHandle process) throws IOException, InterruptedException {
    new ProcessBuilder("bash", "-c", "kill -%s %d".formatted(name, process.pid()))
        .start()
        .waitFor();
  }

  /** What may come true in a while. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits, as long as that process runs. */
  static void waitWhile(Process runs, Path log, String forWhat, Condition condition)
      throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.holds()) {
      assertThat(runs.isAlive()).as("%s; log: %s", forWhat, Files.readString(log)).isTrue();
      assertThat(System.nanoTime())
          .as("%s after %d s; log: %s", forWhat, PATIENCE_SECONDS, Files.readString(log))
          .isLessThan(end);
      Thread.sleep(5);
    }
  }

  /** Stops the cluster, and makes sure that no process of it is left. */
  @Override
  public void close() throws IOException, InterruptedException {
    List<ProcessHandle> all = runningNow();
    try {
      Path log = Files.createTempFile(folder.getParent(), "stop", ".log");
      Process stop = bash(log, "exec deploy/standalone/cluster stop --dir '%s'".formatted(folder));
      assertThat(ChildRun.ended(stop, log).exitCode()).as(Files.readString(log)).isZero();
      for (ProcessHandle process : all) {
        assertThat(commandOf(process))
            .as("process %d after 'cluster stop'", process.pid())
            .doesNotContain("org.apache.spark");
      }
    } finally {
      all.forEach(ProcessHandle::destroyForcibly);
      Runtime.getRuntime().removeShutdownHook(atExit);
    }
  }
}
