package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.trace.TraceFile;

/** What the trace of a small local run shows, frames read ahead or not. */
@ParameterizedClass
@ValueSource(booleans = {false, true})
class RunTraceTest {
  private static final int IMAGES = 8;

  @TempDir static Path folder;
  private static final List<Event> EVENTS = new ArrayList<>();
  private static final Map<Integer, String> PROCESSES = new HashMap<>();
  private static final Map<List<Integer>, String> TRACKS = new HashMap<>();

  /** Rows of the run before. */
  private static final List<Row> OTHERWISE = new ArrayList<>();

  @Parameter boolean readAhead;

  /** A span of the file, microseconds. */
  private record Event(
      String name, String category, int pid, int tid, double start, double length) {
    double end() {
      return start + length;
    }

    boolean holds(Event other) {
      return pid == other.pid
          && tid == other.tid
          && other.start >= start - 0.002
          && other.end() <= end() + 0.002;
    }
  }

  @BeforeAll
  static void simulate() throws IOException {
    SmallNight.simulate(folder.resolve("night"), IMAGES);
    // The second frame of a task, so that it is read ahead.
    Path cutOff = folder.resolve("night/sci_000002_g.fits");
    byte[] bytes = Files.readAllBytes(cutOff);
    Files.write(cutOff, Arrays.copyOf(bytes, bytes.length / 2));
  }

  private static Path catalog(boolean readAhead) {
    return folder.resolve("catalog, read ahead " + readAhead);
  }

  @BeforeParameterizedClassInvocation
  static void run(boolean readAhead) throws IOException {
    EVENTS.clear();
    PROCESSES.clear();
    TRACKS.clear();
    Path night = folder.resolve("night");
    Path file = folder.resolve("trace.json");
    try (RunTrace trace = new RunTrace(SmallNight.spark().sparkContext(), new TraceFile(file))) {
      new CampaignRun(
              SmallNight.spark(),
              SmallNight.request(
                  night,
                  catalog(readAhead),
                  "batch.images=" + IMAGES,
                  "device.read-ahead=" + readAhead),
              SmallNight.SILENCE,
              trace,
              RunScope.ALL)
          .run();
    }
    for (JsonNode event : new ObjectMapper().readTree(file.toFile()).get("traceEvents")) {
      if (event.get("ph").asText().equals("X")) {
        EVENTS.add(
            new Event(
                event.get("name").asText(),
                event.get("cat").asText(),
                event.get("pid").asInt(),
                event.get("tid").asInt(),
                event.get("ts").asDouble(),
                event.get("dur").asDouble()));
      } else if (event.get("name").asText().equals("process_name")) {
        PROCESSES.put(event.get("pid").asInt(), event.get("args").get("name").asText());
      } else if (event.get("name").asText().equals("thread_name")) {
        TRACKS.put(
            List.of(event.get("pid").asInt(), event.get("tid").asInt()),
            event.get("args").get("name").asText());
      }
    }
  }

  private static List<Event> of(String category) {
    return EVENTS.stream().filter(event -> event.category().equals(category)).toList();
  }

  @Test
  void driverAndExecutorHaveTheirTracks() {
    assertThat(PROCESSES.values()).contains("driver").anyMatch(name -> name.startsWith("executor"));
  }

  private static String track(Event event) {
    return TRACKS.get(List.of(event.pid(), event.tid()));
  }

  @Test
  void framesThatAreReadAheadGiveTheRowsThatTheyGiveOtherwise() {
    assertThat(SmallNight.ledger(catalog(readAhead)))
        .hasSize(IMAGES)
        .contains("sci_000002_g.fits failed truncated");
    List<Row> rows =
        SmallNight.exposures(catalog(readAhead))
            .select("path", "status", "reason", "n_stars", "sky_level", "psf_fwhm")
            .orderBy("path")
            .collectAsList();
    List<Row> stars = SmallNight.sources(catalog(readAhead)).orderBy("source_id").collectAsList();
    if (OTHERWISE.isEmpty()) {
      OTHERWISE.addAll(rows);
      OTHERWISE.addAll(stars);
    }
    List<Row> all = new ArrayList<>(rows);
    all.addAll(stars);
    assertThat(all).isEqualTo(OTHERWISE);
    assertThat(
            SmallNight.exposures(catalog(readAhead))
                .filter("status = 'ok' and not seconds_read > 0")
                .count())
        .isZero();
  }

  @Test
  void everyFrameIsReadOnceOnTheCoresTrackOrOnThatOfReadingAhead() {
    List<Event> reads = of("step").stream().filter(step -> step.name().equals("read")).toList();
    List<Event> ahead =
        reads.stream().filter(read -> track(read).endsWith(", reading ahead")).toList();
    List<Event> waits =
        of("wait").stream().filter(wait -> wait.name().equals("for the frame")).toList();
    assertThat(reads).hasSize(IMAGES);
    // All but the first frame of each task.
    List<Event> images = of("image");
    long tasks = of("task").stream().filter(task -> images.stream().anyMatch(task::holds)).count();
    assertThat(tasks).isLessThan(IMAGES);
    assertThat(ahead).hasSize(readAhead ? IMAGES - (int) tasks : 0);
    assertThat(waits).hasSameSizeAs(ahead);
    assertThat(waits).noneMatch(wait -> track(wait).endsWith(", reading ahead"));
  }

  @Test
  void everyStepOfEveryImageIsThere() {
    Set<String> names = of("step").stream().map(Event::name).collect(Collectors.toSet());
    assertThat(names)
        .contains("plan", "masters", "commit", "build the master", "read", "calibrate", "sky")
        .contains("detect", "psf", "measure", "positions", "write");
    assertThat(of("image")).hasSize(IMAGES);
    assertThat(of("kernel")).hasSizeGreaterThan(IMAGES * 10);
    assertThat(EVENTS.size()).isLessThan(IMAGES * 400);
  }

  @Test
  void spansNest() {
    EVENTS.stream()
        .collect(Collectors.groupingBy(event -> event.pid() + "/" + event.tid()))
        .forEach(
            (track, events) -> {
              Deque<Event> open = new ArrayDeque<>();
              events.stream()
                  .sorted(
                      Comparator.comparingDouble(Event::start)
                          .thenComparing(Comparator.comparingDouble(Event::length).reversed()))
                  .forEach(
                      event -> {
                        while (!open.isEmpty() && open.peek().end() <= event.start() + 0.002) {
                          open.pop();
                        }
                        if (!open.isEmpty()) {
                          assertThat(open.peek().holds(event))
                              .as("%s within %s on %s", event, open.peek(), track)
                              .isTrue();
                        }
                        open.push(event);
                      });
            });
  }

  @Test
  void stepsCoverATasksTime() {
    List<Double> shares = new ArrayList<>();
    List<Event> steps =
        EVENTS.stream()
            .filter(event -> event.category().equals("step") || event.category().equals("wait"))
            .toList();
    Map<String, Double> gaps = new TreeMap<>();
    for (Event task : of("task")) {
      double covered = 0;
      double until = task.start();
      String before = "begin of task";
      for (Event step :
          steps.stream()
              .filter(task::holds)
              .sorted(Comparator.comparingDouble(Event::start))
              .toList()) {
        covered += Math.max(0, step.end() - Math.max(until, step.start()));
        if (step.start() > until) {
          gaps.merge(before + " - " + step.name(), step.start() - until, Double::sum);
        }
        if (step.end() > until) {
          until = step.end();
          before = step.name();
        }
      }
      shares.add(covered / task.length());
      gaps.merge(before + " - end of task", task.end() - until, Double::sum);
    }
    assertThat(of("task")).hasSizeGreaterThanOrEqualTo(4);
    // Of the tasks the middle one: on a busy machine a thread may be put to sleep between steps.
    Collections.sort(shares);
    assertThat(shares.get(shares.size() / 2))
        .as("microseconds between steps: %s", gaps)
        .isGreaterThan(0.95);
  }
}
