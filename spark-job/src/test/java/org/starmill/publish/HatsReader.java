package org.starmill.publish;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.starmill.healpix.Healpix;
import org.starmill.healpix.HealpixPixel;

/** Reads a catalog as DuckDB does, which shares no code with its writer, and as HATS says. */
final class HatsReader {
  private static final Pattern FILE =
      Pattern.compile("Norder=(\\d+)/Dir=(\\d+)/Npix=(\\d+)\\.parquet");

  private final Path folder;

  HatsReader(Path folder) {
    this.folder = folder;
  }

  /** All files' rows, by a pattern. */
  String all() {
    return "read_parquet('%s/dataset/**/*.parquet', filename = true, hive_partitioning = false)"
        .formatted(folder);
  }

  /** The rows of the files that partition_info.csv lists: what readers of HATS see. */
  String listed() throws IOException {
    List<String> files =
        pixels().keySet().stream()
            .map(pixel -> "'" + folder.resolve(HatsLayout.file(pixel)) + "'")
            .toList();
    return "read_parquet([%s], filename = true, hive_partitioning = false)"
        .formatted(String.join(", ", files));
  }

  /** The pixels and their rows, as partition_info.csv has them. */
  Map<HealpixPixel, Long> pixels() throws IOException {
    List<String> lines = Files.readAllLines(folder.resolve("partition_info.csv"));
    assertThat(lines.get(0)).isEqualTo("Norder,Npix,num_rows");
    Map<HealpixPixel, Long> pixels = new TreeMap<>((a, b) -> Long.compare(a.first(), b.first()));
    for (String line : lines.subList(1, lines.size())) {
      String[] values = line.split(",");
      pixels.put(
          new HealpixPixel(Integer.parseInt(values[0]), Long.parseLong(values[1])),
          Long.parseLong(values[2]));
    }
    return pixels;
  }

  static List<List<Object>> query(String sql) {
    List<List<Object>> rows = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        List<Object> row = new ArrayList<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.add(result.getObject(i));
        }
        rows.add(row);
      }
    } catch (SQLException e) {
      throw new AssertionError(sql, e);
    }
    return rows;
  }

  static long number(String sql) {
    return ((Number) query(sql).get(0).get(0)).longValue();
  }

  /** Holds a catalog to the rules of HATS; names no row and no pixel twice. */
  void assertValid() throws IOException {
    Map<HealpixPixel, Long> counted = new TreeMap<>((a, b) -> Long.compare(a.first(), b.first()));
    for (List<Object> row :
        query(
            "SELECT filename, count(*), min(_healpix_29), max(_healpix_29) FROM "
                + all()
                + " GROUP BY filename")) {
      Matcher file = FILE.matcher((String) row.get(0));
      assertThat(file.find()).as("%s", row.get(0)).isTrue();
      long number = Long.parseLong(file.group(3));
      HealpixPixel pixel = new HealpixPixel(Integer.parseInt(file.group(1)), number);
      assertThat(Long.parseLong(file.group(2))).isEqualTo(number / 10000 * 10000);
      assertThat((Long) row.get(2)).isGreaterThanOrEqualTo(pixel.first());
      assertThat((Long) row.get(3)).isLessThan(pixel.end());
      counted.put(pixel, (Long) row.get(1));
    }
    assertThat(counted).isEqualTo(pixels());
    long end = 0;
    for (HealpixPixel pixel : counted.keySet()) {
      assertThat(pixel.first()).as("no pixel in another").isGreaterThanOrEqualTo(end);
      end = pixel.end();
    }
    assertThat(number(unsorted())).as("rows behind a greater one").isZero();
    assertThat(number("SELECT count(*) - count(DISTINCT (campaign, source_id)) FROM " + all()))
        .as("rows that are there twice")
        .isZero();
    for (List<Object> row : query("SELECT ra, dec, _healpix_29 FROM " + all())) {
      long place = Healpix.pixel(29, (Double) row.get(0), (Double) row.get(1));
      if (place != (Long) row.get(2)) {
        assertThat(row.get(2)).as("%s", row).isEqualTo(place);
      }
    }
    assertThat(query("DESCRIBE SELECT * FROM " + all()).get(0).get(0)).isEqualTo("_healpix_29");
  }

  private String unsorted() {
    return """
        SELECT count(*) FROM (
          SELECT _healpix_29 AS place, lag(_healpix_29) OVER (
            PARTITION BY filename ORDER BY file_row_number) AS before
          FROM read_parquet('%s/dataset/**/*.parquet', filename = true, file_row_number = true,
            hive_partitioning = false))
        WHERE place < before"""
        .formatted(folder);
  }
}
