package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A campaign whose frames and catalog are on an S3 store, and whose driver is killed in the middle.
 *
 * <p>The store and the campaign run in JVMs of their own; this one looks at the bucket as any
 * reader does, by plain HTTP.
 */
@Tag("full")
class ObjectStoreTest {
  private static final int IMAGES = 5;
  private static final long PATIENCE_SECONDS = 240;
  private static final String BUCKET = "stars";
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Pattern KEY = Pattern.compile("<Key>([^<]*)</Key>");

  @TempDir static Path folder;
  private static Path jars;
  private static String endpoint;
  private static Process server;
  private static Path undisturbed;

  @BeforeAll
  static void startTheStore() throws Exception {
    String home = System.getProperty("starmill.object-store");
    assumeTrue(home != null, "the profile object-store is off");
    jars = Path.of(home);
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    endpoint = "http://127.0.0.1:" + port;
    Path log = folder.resolve("store.log");
    server =
        start(
            log,
            List.of(
                "-XX:TieredStopAtLevel=1",
                "-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("store")),
                "-cp",
                classPath("server"),
                jars.resolve("server/S3MockServer.java").toString(),
                String.valueOf(port)));
    waitFor(server, log, () -> Files.readString(log).contains("ready"));
    Path night = folder.resolve("night");
    for (Path frame : SmallNight.simulate(night, IMAGES)) {
      if (frame.toString().endsWith(".fits")) {
        HttpRequest put =
            HttpRequest.newBuilder(at("/night/" + frame.getFileName()))
                .PUT(HttpRequest.BodyPublishers.ofFile(frame))
                .build();
        assertThat(HTTP.send(put, HttpResponse.BodyHandlers.discarding()).statusCode())
            .isEqualTo(200);
      }
    }
    undisturbed = folder.resolve("undisturbed");
    SmallNight.run(night, undisturbed);
  }

  @AfterAll
  static void stopTheStore() {
    if (server != null) {
      server.destroyForcibly();
    }
  }

  private static String classPath(String of) throws IOException {
    return Files.readString(jars.resolve(of).resolve("target/classpath.txt")).strip();
  }

  private static Process start(Path log, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void waitFor(Process process, Path log, Condition condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.holds()) {
      assertThat(process.isAlive()).as("log: %s", Files.readString(log)).isTrue();
      assertThat(System.nanoTime()).as("log: %s", Files.readString(log)).isLessThan(end);
      Thread.sleep(30);
    }
  }

  private static URI at(String below) {
    return URI.create(endpoint + "/" + BUCKET + below);
  }

  private static byte[] get(URI uri) throws Exception {
    HttpResponse<byte[]> response =
        HTTP.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
    assertThat(response.statusCode()).as(uri.toString()).isEqualTo(200);
    return response.body();
  }

  /** The objects of the bucket whose names begin so. */
  private static List<String> keys(String query) throws Exception {
    List<String> keys = new ArrayList<>();
    Matcher key = KEY.matcher(new String(get(at("?" + query)), StandardCharsets.UTF_8));
    while (key.find()) {
      keys.add(key.group(1));
    }
    return keys;
  }

  /** Without the marks of empty folders, whose names end in a slash. */
  private static List<String> objects(String prefix) throws Exception {
    return keys("list-type=2&prefix=" + URLEncoder.encode(prefix, StandardCharsets.UTF_8)).stream()
        .filter(key -> !key.endsWith("/"))
        .toList();
  }

  private static Process run(String output, String committer, Path log) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            "-Dspark.master=local[2]",
            "-Dspark.hadoop.fs.s3a.endpoint=" + endpoint,
            "-Dspark.hadoop.fs.s3a.endpoint.region=us-east-1",
            "-Dspark.hadoop.fs.s3a.path.style.access=true",
            "-Dspark.hadoop.fs.s3a.access.key=none",
            "-Dspark.hadoop.fs.s3a.secret.key=none",
            "-Dspark.hadoop.fs.s3a.aws.credentials.provider=org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
            "-Dspark.hadoop.fs.s3a.attempts.maximum=1",
            "-Dspark.hadoop.fs.s3a.retry.limit=1",
            "-Dspark.hadoop.fs.s3a.buffer.dir=" + folder.resolve("buffers"),
            "-Dspark.hadoop.fs.s3a.committer.name=" + committer));
    if (committer.equals("magic")) {
      command.addAll(
          List.of(
              "-Dspark.sql.sources.commitProtocolClass=org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
              "-Dspark.sql.parquet.output.committer.class=org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"));
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                + ":"
                + classPath("client"),
            "org.starmill.cli.Starmill",
            "run",
            "--input",
            "s3a://" + BUCKET + "/night",
            "--output",
            "s3a://" + BUCKET + "/" + output,
            "--campaign",
            "night",
            "--device",
            "java",
            "--set",
            "batch.images=1"));
    return start(log, command);
  }

  @ParameterizedTest
  @ValueSource(strings = {"magic", "file"})
  void aKilledCampaignGoesOnAndNoReaderEverSeesHalfABatch(String committer) throws Exception {
    String output = "catalog-" + committer;
    Path log = folder.resolve(output + "-killed.log");
    Process killed = run(output, committer, log);
    try {
      waitFor(
          killed,
          log,
          () -> {
            assertEveryBatchIsWhole(output);
            return !objects(output + "/exposures/").isEmpty();
          });
    } finally {
      killed.destroyForcibly();
      killed.waitFor();
    }
    assertEveryBatchIsWhole(output);
    assertThat(objects(output + "/exposures/")).hasSizeBetween(1, IMAGES - 1);
    // What a run leaves that is killed within a batch, as this one may not have been: a file of
    // stars of an attempt; and a part of a star file that was being sent, and a neighbour's.
    put("/" + output + "/_staging/killed/batch-9/attempt.parquet");
    beginUpload("/" + output + "/sources/batch-9/stars.parquet");
    beginUpload("/" + output + "-of-others/stars.parquet");
    assertThat(uploads(output)).isNotEmpty();

    Path secondLog = folder.resolve(output + "-second.log");
    Process second = run(output, committer, secondLog);
    try {
      assertThat(second.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      second.destroyForcibly();
    }
    assertThat(second.exitValue()).as(Files.readString(secondLog)).isZero();
    assertThat(Files.readString(secondLog))
        .contains("an earlier run: removed _staging/")
        .containsPattern("an earlier run: gave up [1-9][0-9]* unfinished uploads");
    assertThat(uploads(output)).isEmpty();
    assertThat(uploads(output + "-of-others")).hasSize(1);
    assertThat(objects(output + "/"))
        .noneMatch(key -> key.contains("/_staging/") || key.contains("/_commit/"))
        .noneMatch(key -> key.contains("__magic") || key.contains("_temporary"));
    Path copy = folder.resolve(output);
    copy(output + "/sources/", copy.resolve("sources"));
    copy(output + "/exposures/", copy.resolve("exposures"));
    SmallNight.assertSameRows(SmallNight.sources(copy), SmallNight.sources(undisturbed));
    SmallNight.assertSameRows(
        withoutPlaces(SmallNight.exposures(copy)),
        withoutPlaces(SmallNight.exposures(undisturbed)));
  }

  /** Where a frame was read from differs, and with it the names of masters; and the seconds. */
  private static Dataset<Row> withoutPlaces(Dataset<Row> exposures) {
    return SmallNight.withoutTimes(exposures).drop("path", "bias_id", "flat_id");
  }

  private static void put(String key) throws Exception {
    HttpRequest put =
        HttpRequest.newBuilder(at(key)).PUT(HttpRequest.BodyPublishers.ofString("PAR1")).build();
    assertThat(HTTP.send(put, HttpResponse.BodyHandlers.discarding()).statusCode()).isEqualTo(200);
  }

  private static void beginUpload(String key) throws Exception {
    HttpRequest begin =
        HttpRequest.newBuilder(at(key + "?uploads"))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    assertThat(HTTP.send(begin, HttpResponse.BodyHandlers.discarding()).statusCode())
        .isEqualTo(200);
  }

  private static List<String> uploads(String output) throws Exception {
    return keys("uploads").stream().filter(key -> key.startsWith(output + "/")).toList();
  }

  /** What a plain reader sees at this moment: each table's files, all of them whole. */
  private static void assertEveryBatchIsWhole(String output) throws Exception {
    List<String> exposures = objects(output + "/exposures/");
    List<String> sources = objects(output + "/sources/");
    for (String key : exposures) {
      String batch = key.substring(key.lastIndexOf('/') + 1).replace(".parquet", "");
      assertThat(sources).contains(output + "/sources/" + batch + "/stars.parquet");
    }
    List<String> files = new ArrayList<>(exposures);
    files.addAll(sources);
    for (String key : files) {
      assertThat(key).endsWith(".parquet");
      byte[] bytes = get(at("/" + key));
      assertThat(new String(bytes, 0, 4, StandardCharsets.US_ASCII)).isEqualTo("PAR1");
      assertThat(new String(bytes, bytes.length - 4, 4, StandardCharsets.US_ASCII))
          .isEqualTo("PAR1");
    }
  }

  private static void copy(String prefix, Path to) throws Exception {
    for (String key : objects(prefix)) {
      Path file = to.resolve(key.substring(prefix.length()));
      Files.createDirectories(file.getParent());
      Files.write(file, get(at("/" + key)));
    }
  }
}
