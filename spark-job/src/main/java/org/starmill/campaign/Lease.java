package org.starmill.campaign;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Keeps a campaign's folder to one run at a time.
 *
 * <p>Every run has a file of its own name in {@code _lease}, that of one that asks ends in {@code
 * .asking}, that of one that holds the folder in {@code .holding}, and writes it anew every few
 * seconds with a number that grows. A run that asks looks for the files of others. If it sees one
 * change, that run lives, and this one is refused; what does not change for a while was left by a
 * run that was killed, and so was what names a process of this machine that is no more. Then the
 * folder is taken, and the others are looked at once more, for one that did the same.
 *
 * <p>No file needs to be made exclusively, which not every store can do: of two runs that ask at
 * the same moment both may be refused, but never let in. No clock is read but the one of this JVM
 * that only runs on, so that clocks that jump, or differ between machines, change nothing.
 */
final class Lease implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ASKING = ".asking";
  private static final String HOLDING = ".holding";

  /**
   * How long things take.
   *
   * @param beat between two writings of the file
   * @param patience with a file that does not change
   */
  record Pace(Duration beat, Duration patience) {
    static final Pace USUAL = new Pace(Duration.ofSeconds(5), Duration.ofSeconds(30));
  }

  private final FileSystem fileSystem;
  private final Path campaign;
  private final Path folder;
  private final Pace pace;
  private final String id = UUID.randomUUID().toString().substring(0, 13);
  private final String begun = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  private final String machine = machine();
  private long beats;
  private boolean held;
  private volatile String lost;
  private final CountDownLatch end = new CountDownLatch(1);
  private Thread beating;

  Lease(FileSystem fileSystem, Path campaign, Pace pace) {
    this.fileSystem = fileSystem;
    this.campaign = campaign;
    this.folder = new Path(campaign, "_lease");
    this.pace = pace;
  }

  /** Names this run; no other run has the same. */
  String id() {
    return id;
  }

  boolean isHeld() {
    return held;
  }

  /**
   * Takes the folder, if this run does not hold it already.
   *
   * @param says hears of a wait
   * @throws Refused where another run holds it, or it cannot be written
   */
  void take(Consumer<String> says) {
    if (held) {
      return;
    }
    try {
      write(file(ASKING));
      Map<Path, byte[]> dead = deadOnes(says);
      write(file(HOLDING));
      for (Path other : others()) {
        if (!dead.containsKey(other) && other.getName().endsWith(HOLDING)) {
          throw inUse(other);
        }
      }
      for (Path file : dead.keySet()) {
        fileSystem.delete(file, false);
      }
      fileSystem.delete(file(ASKING), false);
    } catch (Refused refused) {
      withdraw(refused);
      throw refused;
    } catch (IOException | FSError e) {
      Refused refused =
          new Refused(
              "--output %s cannot be written: %s; give another --output, or see to it that it can be written"
                  .formatted(campaign, message(e)),
              e);
      withdraw(refused);
      throw refused;
    }
    held = true;
    beating = new Thread(this::beat, "lease of " + campaign);
    beating.setDaemon(true);
    beating.start();
  }

  /** The files of others, none of which showed a sign of life. */
  private Map<Path, byte[]> deadOnes(Consumer<String> says) throws IOException {
    Map<Path, byte[]> seen = new HashMap<>();
    long start = System.nanoTime();
    boolean told = false;
    while (true) {
      boolean waiting = false;
      Map<Path, byte[]> now = new HashMap<>();
      for (Path other : others()) {
        byte[] content = read(other);
        if (content == null) {
          continue;
        }
        byte[] before = seen.get(other);
        if (before == null ? told : !Arrays.equals(before, content)) {
          throw inUse(other);
        }
        now.put(other, content);
        waiting |= !ended(content);
        if (waiting && !told) {
          says.accept(
              "%s was left by another run, or it is at work: %s; waiting up to %d s for a sign of life"
                  .formatted(other, describe(content), pace.patience().toSeconds()));
        }
      }
      told |= waiting;
      seen = now;
      if (!waiting || System.nanoTime() - start > pace.patience().toNanos()) {
        return seen;
      }
      pause();
      write(file(ASKING));
    }
  }

  private void pause() throws IOException {
    try {
      Thread.sleep(Math.max(1, pace.beat().toMillis() / 2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for another run", e);
    }
  }

  /** Whether a file names a process of this machine that is no more. */
  private boolean ended(byte[] content) {
    try {
      var json = JSON.readTree(content);
      return !machine.isEmpty()
          && machine.equals(json.path("machine").asText())
          && json.path("process").asLong() > 0
          && ProcessHandle.of(json.path("process").asLong()).isEmpty();
    } catch (IOException halfWritten) {
      return false;
    }
  }

  private static String describe(byte[] content) {
    try {
      var json = JSON.readTree(content);
      return "process %s of user %s on %s, begun %s"
          .formatted(
              json.path("process").asText("?"),
              json.path("user").asText("?"),
              json.path("host").asText("?"),
              json.path("begun").asText("?"));
    } catch (IOException halfWritten) {
      return "its file is half written";
    }
  }

  private Refused inUse(Path other) throws IOException {
    byte[] content = read(other);
    return new Refused(
        "--output %s: another run is at work there (%s); wait for its end or stop it, then give the command again"
            .formatted(campaign, content == null ? other.getName() : describe(content)));
  }

  private List<Path> others() throws IOException {
    List<Path> others = new ArrayList<>();
    try {
      for (FileStatus file : fileSystem.listStatus(folder)) {
        String name = file.getPath().getName();
        if (!name.startsWith(id) && (name.endsWith(ASKING) || name.endsWith(HOLDING))) {
          others.add(file.getPath());
        }
      }
    } catch (FileNotFoundException none) {
      return List.of();
    }
    return others;
  }

  /** What a file holds; null where it is no more. */
  private byte[] read(Path file) throws IOException {
    try (InputStream in = fileSystem.open(file)) {
      return in.readAllBytes();
    } catch (FileNotFoundException gone) {
      return null;
    }
  }

  private Path file(String state) {
    return new Path(folder, id + state);
  }

  private void write(Path file) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("run", id);
    json.put("beats", ++beats);
    json.put("host", host());
    json.put("machine", machine);
    json.put("process", ProcessHandle.current().pid());
    json.put("user", System.getProperty("user.name"));
    json.put("begun", begun);
    try (OutputStream out = fileSystem.create(file, true)) {
      out.write((json + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (FSError e) {
      throw new IOException(e.getCause());
    }
  }

  private void beat() {
    String trouble = "";
    try {
      while (!end.await(pace.beat().toMillis(), TimeUnit.MILLISECONDS)) {
        try {
          if (!fileSystem.exists(file(HOLDING))) {
            lost = "its file in %s was taken away%s".formatted(folder, trouble);
            return;
          }
          write(file(HOLDING));
          trouble = "";
        } catch (IOException | FSError e) {
          // Others wait for a while; whether one has come, check() sees.
          trouble = ", after it could not be written: " + message(e);
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Makes sure that the folder is this run's still.
   *
   * @throws CampaignStopped where another run has taken it
   */
  void check() throws IOException {
    List<Path> holding =
        others().stream().filter(file -> file.getName().endsWith(HOLDING)).toList();
    if (lost == null && !holding.isEmpty()) {
      lost = "%s is there".formatted(holding.get(0));
    }
    if (lost == null && !fileSystem.exists(file(HOLDING))) {
      lost = "its file in %s was taken away".formatted(folder);
    }
    if (lost != null) {
      throw new CampaignStopped(
          "%s: another run has taken this campaign over, since this one stood still for more than %d s: %s; what it had not committed is left to that run"
              .formatted(campaign, pace.patience().toSeconds(), lost));
    }
  }

  /** Leaves the folder to others. */
  @Override
  public void close() {
    if (!held) {
      return;
    }
    held = false;
    end.countDown();
    try {
      beating.join(pace.patience().toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    withdraw(null);
  }

  /** Takes this run's files away; where that fails the next run will find them dead. */
  private void withdraw(Throwable failure) {
    for (String state : List.of(ASKING, HOLDING)) {
      try {
        fileSystem.delete(file(state), false);
      } catch (IOException | RuntimeException | FSError e) {
        if (failure != null) {
          failure.addSuppressed(e);
        }
      }
    }
  }

  private static String message(Throwable failure) {
    return failure instanceof FSError && failure.getCause() != null
        ? failure.getCause().getMessage()
        : String.valueOf(failure.getMessage());
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException nameless) {
      return "a host without a name";
    }
  }

  /** Names what numbers processes: this start of this machine, or of its container; or "". */
  private static String machine() {
    try {
      java.nio.file.Path proc = java.nio.file.Path.of("/proc");
      return Files.readString(proc.resolve("sys/kernel/random/boot_id")).strip()
          + " "
          + Files.readSymbolicLink(proc.resolve("self/ns/pid"));
    } catch (IOException | RuntimeException otherSystem) {
      return "";
    }
  }
}
