package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One run at a time works in a campaign's folder, whatever the clocks say. */
class LeaseTest {
  private static final Lease.Pace QUICK =
      new Lease.Pace(Duration.ofMillis(50), Duration.ofMillis(600));

  @TempDir Path folder;
  private final List<Lease> open = new ArrayList<>();
  private final List<String> said = new ArrayList<>();

  private Lease lease() {
    try {
      org.apache.hadoop.fs.Path campaign =
          new org.apache.hadoop.fs.Path(WatchedFileSystem.DISK + ":" + folder);
      FileSystem fileSystem = campaign.getFileSystem(WatchedFileSystem.configuration());
      Lease lease = new Lease(fileSystem, campaign, QUICK);
      open.add(lease);
      return lease;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Lease taken() {
    Lease lease = lease();
    lease.take(said::add);
    return lease;
  }

  @AfterEach
  void close() {
    WatchedFileSystem.watch(changed -> {});
    open.forEach(Lease::close);
  }

  private List<Path> files() {
    return SmallNight.filesBelow(folder);
  }

  /** What a run on another machine has left that was killed there. */
  private Path left(String name, String begun) throws IOException {
    Files.createDirectories(folder.resolve("_lease"));
    return Files.writeString(
        folder.resolve("_lease").resolve(name),
        """
        {"run": "x", "beats": 7, "host": "node17", "machine": "another", "process": 1,
         "user": "hubble", "begun": "%s"}
        """
            .formatted(begun));
  }

  @Test
  void aSecondRunIsRefusedWhileTheFirstIsAtWorkAndLetInAfterwards() throws IOException {
    Lease first = taken();
    assertThatThrownBy(this::taken)
        .isInstanceOf(Refused.class)
        .hasMessageContaining("another run is at work")
        .hasMessageContaining("process " + ProcessHandle.current().pid())
        .hasMessageContaining("wait for its end or stop it");
    first.check();
    first.close();
    taken().check();
  }

  @Test
  void whatARunOnAnotherMachineLeftIsTakenOverOnceItHasShownNoSignOfLife() throws IOException {
    left("dead.holding", "2026-01-01T00:00:00Z");
    left("dead.asking", "2026-01-01T00:00:00Z");
    taken().check();
    assertThat(said).isNotEmpty().allMatch(line -> line.contains("user hubble on node17"));
    assertThat(files())
        .hasSize(1)
        .noneMatch(file -> file.getFileName().toString().contains("dead"));
  }

  @Test
  void aRunOfThisMachineThatWasKilledIsNotWaitedFor() throws Exception {
    Process process = new ProcessBuilder("true").start();
    process.waitFor();
    Path file = left("dead.holding", "2026-01-01T00:00:00Z");
    Lease self = lease();
    self.take(said::add);
    String machine =
        Files.readString(files().stream().filter(f -> !f.equals(file)).findFirst().get())
            .replaceAll("(?s).*\"machine\":\"([^\"]*)\".*", "$1");
    self.close();
    org.junit.jupiter.api.Assumptions.assumeFalse(
        machine.isEmpty(), "this system has no /proc to name the machine by");
    Files.writeString(
        Files.createDirectories(folder.resolve("_lease")).resolve("dead.holding"),
        "{\"machine\":\"%s\",\"process\":%d}".formatted(machine, process.pid()));
    said.clear();
    taken().check();
    assertThat(said).isEmpty();
  }

  @Test
  void theTimesOfFilesAndTheClockOfAnotherMachineChangeNothing() throws IOException {
    Lease first = taken();
    Files.setLastModifiedTime(files().get(0), FileTime.from(Instant.parse("1990-01-01T00:00:00Z")));
    assertThatThrownBy(this::taken).isInstanceOf(Refused.class);
    first.close();
    Path dead = left("dead.holding", "2999-01-01T00:00:00Z");
    Files.setLastModifiedTime(dead, FileTime.from(Instant.parse("2999-01-01T00:00:00Z")));
    taken().check();
  }

  @Test
  void aRunThatStoodStillAndLostItsFolderStopsBeforeItCommits() throws IOException {
    Lease asleep = taken();
    Lease next = lease();
    WatchedFileSystem.watch(
        changed -> {
          if (changed.getName().startsWith(asleep.id())
              && Thread.currentThread().getName().startsWith("lease")) {
            throw new IOException("the machine stands still");
          }
        });
    next.take(said::add);
    next.check();
    assertThatThrownBy(asleep::check)
        .isInstanceOf(CampaignStopped.class)
        .hasMessageContaining("taken this campaign over");
  }

  @Test
  void ofTwoRunsThatAskAtTheSameMomentNotBothAreLetIn() throws Exception {
    for (int attempt = 0; attempt < 5; attempt++) {
      List<Lease> both = List.of(lease(), lease());
      List<Thread> threads =
          both.stream()
              .map(
                  lease ->
                      new Thread(
                          () -> {
                            try {
                              lease.take(wait -> {});
                            } catch (Refused refused) {
                              assertThat(refused).hasMessageContaining("another run");
                            }
                          }))
              .toList();
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(both.stream().filter(Lease::isHeld).count()).isLessThanOrEqualTo(1);
      both.forEach(Lease::close);
    }
    assertThatCode(this::taken).doesNotThrowAnyException();
  }

  @Test
  void aFolderThatCannotBeWrittenIsRefused() {
    WatchedFileSystem.watch(
        changed -> {
          throw new IOException("Read-only file system");
        });
    assertThatThrownBy(this::taken)
        .isInstanceOf(Refused.class)
        .hasMessageContaining("cannot be written: Read-only file system")
        .hasMessageContaining("--output");
    assertThat(files()).isEmpty();
  }

  @Test
  void neitherLedgerNorLeaseGoByAClockOrByTheTimesOfFiles() {
    ArchRuleDefinition.noClasses()
        .that()
        .haveFullyQualifiedName(Ledger.class.getName())
        .or()
        .haveFullyQualifiedName(Place.class.getName())
        .or()
        .haveFullyQualifiedName(Lease.class.getName())
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(FileStatus.class, "getModificationTime")
        .orShould()
        .callMethod(
            Duration.class,
            "between",
            java.time.temporal.Temporal.class,
            java.time.temporal.Temporal.class)
        .check(new ClassFileImporter().importClasses(Ledger.class, Place.class, Lease.class));
  }
}
