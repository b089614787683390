package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.trace.TraceFile;

/** What the trace of a small local run shows. */
class RunTraceTest {
  private static final int IMAGES = 6;

  @TempDir static Path folder;
  private static final List<Event> EVENTS = new ArrayList<>();
  private static final Map<Integer, String> PROCESSES = new HashMap<>();

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
  static void run() throws IOException {
    Path night = folder.resolve("night");
    SmallNight.simulate(night, IMAGES);
    Path file = folder.resolve("trace.json");
    try (RunTrace trace = new RunTrace(SmallNight.spark().sparkContext(), new TraceFile(file))) {
      new CampaignRun(
              SmallNight.spark(),
              SmallNight.request(night, folder.resolve("catalog"), "batch.images=3"),
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
    List<Event> steps = of("step");
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
