package org.starmill.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.starmill.measure.Stars;

class CatalogTest {
  @TempDir Path folder;

  private final Configuration hadoop = new Configuration(false);

  private org.apache.hadoop.fs.Path path(String name) {
    return new org.apache.hadoop.fs.Path(folder.resolve(name).toUri());
  }

  private static void write(SourcesWriter writer, long exposureId, Stars stars) throws IOException {
    Magnitudes magnitudes = Magnitudes.of(stars, 30, Double.NaN);
    writer.write(
        exposureId,
        stars,
        Samples.angles(stars.count(), 1),
        Samples.angles(stars.count(), 2),
        magnitudes.mag(),
        magnitudes.magErr());
  }

  private String sources(String name, String compression, long exposureId, Stars stars)
      throws IOException {
    try (SourcesWriter writer = new SourcesWriter(path(name), hadoop, compression, 2)) {
      write(writer, exposureId, stars);
    }
    return folder.resolve(name).toString();
  }

  private String exposures(ExposureRow... rows) throws IOException {
    try (ExposuresWriter writer = new ExposuresWriter(path("e.parquet"), hadoop, "zstd")) {
      for (ExposureRow row : rows) {
        writer.write(row);
      }
    }
    return folder.resolve("e.parquet").toString();
  }

  /** Rows as DuckDB, which shares no code with the writer, reads them. */
  private static List<Map<String, Object>> query(String sql) throws SQLException {
    List<Map<String, Object>> rows = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.put(result.getMetaData().getColumnName(i), result.getObject(i));
        }
        rows.add(row);
      }
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(strings = {"zstd", "snappy", "gzip", "none"})
  void everyStarComesBackAsItWasWritten(String compression) throws Exception {
    Stars stars = Samples.stars(1001, 42);
    Magnitudes magnitudes = Magnitudes.of(stars, 30, Double.NaN);
    double[] ra = Samples.angles(1001, 1);
    double[] dec = Samples.angles(1001, 2);

    List<Map<String, Object>> rows =
        query("SELECT * FROM '" + sources("s.parquet", compression, 77, stars) + "'");

    assertThat(rows).hasSize(1001);
    for (int i = 0; i < rows.size(); i++) {
      Map<String, Object> expected = new LinkedHashMap<>();
      expected.put("exposure_id", 77L);
      expected.put("source_id", SourceId.of(77, i));
      expected.put("x", (float) stars.x()[i]);
      expected.put("y", (float) stars.y()[i]);
      expected.put("x_err", orNull(stars.xErr()[i]));
      expected.put("y_err", orNull(stars.yErr()[i]));
      expected.put("ra", Double.isNaN(ra[i]) ? null : ra[i]);
      expected.put("dec", Double.isNaN(dec[i]) ? null : dec[i]);
      expected.put("flux", stars.flux()[i]);
      expected.put("flux_err", stars.fluxErr()[i]);
      expected.put("mag", orNull(magnitudes.mag()[i]));
      expected.put("mag_err", orNull(magnitudes.magErr()[i]));
      expected.put("sky", stars.sky()[i]);
      expected.put("chi2", orNull(stars.chi2()[i]));
      expected.put("sharp", stars.sharp()[i]);
      expected.put("quality", stars.quality()[i]);
      expected.put("crowding", stars.crowding()[i]);
      expected.put("aper_flux_1", orNull(stars.aperFlux()[0][i]));
      expected.put("aper_flux_2", orNull(stars.aperFlux()[1][i]));
      expected.put("aper_flux_err_1", orNull(stars.aperFluxErr()[0][i]));
      expected.put("aper_flux_err_2", orNull(stars.aperFluxErr()[1][i]));
      expected.put("flags", stars.flags()[i]);
      expected.put("pass", (byte) stars.pass()[i]);
      assertThat(rows.get(i)).isEqualTo(expected);
    }
    assertThat(rows.get(0).keySet())
        .containsExactlyElementsOf(
            CatalogTable.SOURCES.columns(2).stream().map(Column::name).toList());
  }

  private static Float orNull(float value) {
    return Float.isNaN(value) ? null : (Float) value;
  }

  @Test
  void csvHasTheSameNamesAndValuesAsParquet() throws Exception {
    Stars stars = Samples.stars(200, 3);
    Magnitudes magnitudes = Magnitudes.of(stars, 30, Double.NaN);
    double[] ra = Samples.angles(200, 1);
    double[] dec = Samples.angles(200, 2);
    StringWriter text = new StringWriter();
    try (CsvSources csv = new CsvSources(text, 2)) {
      csv.write(5, stars, ra, dec, magnitudes.mag(), magnitudes.magErr());
    }
    Path file = Files.writeString(folder.resolve("s.csv"), text.toString());
    String parquet = sources("s.parquet", "zstd", 5, stars);

    String types =
        String.join(
            ", ",
            query("DESCRIBE SELECT * FROM '" + parquet + "'").stream()
                .map(row -> "'%s': '%s'".formatted(row.get("column_name"), row.get("column_type")))
                .toList());
    String csv =
        "SELECT * FROM read_csv('%s', header = true, columns = {%s})".formatted(file, types);

    assertThat(text.toString().lines().findFirst()).contains(CatalogTable.SOURCES.csvHeader(2));
    assertThat(query(csv)).isEqualTo(query("SELECT * FROM '" + parquet + "'"));
  }

  @Test
  void typesAreExactlyThoseOfTheContract() throws Exception {
    String sources = sources("s.parquet", "zstd", 1, Samples.stars(3, 1));
    String exposures = exposures(Samples.measured(1));

    assertThat(types(sources))
        .containsEntry("exposure_id", "BIGINT")
        .containsEntry("source_id", "BIGINT")
        .containsEntry("x", "FLOAT")
        .containsEntry("ra", "DOUBLE")
        .containsEntry("flux", "FLOAT")
        .containsEntry("flags", "INTEGER")
        .containsEntry("pass", "TINYINT");
    assertThat(types(exposures))
        .containsEntry("exposure_id", "BIGINT")
        .containsEntry("hdu", "INTEGER")
        .containsEntry("status", "VARCHAR")
        .containsEntry("mjd", "DOUBLE")
        .containsEntry("n_stars", "INTEGER")
        .containsEntry("psf_coefficients", "DOUBLE[]");
  }

  private static Map<String, String> types(String file) throws SQLException {
    Map<String, String> types = new LinkedHashMap<>();
    for (Map<String, Object> row : query("DESCRIBE SELECT * FROM '" + file + "'")) {
      types.put((String) row.get("column_name"), (String) row.get("column_type"));
    }
    return types;
  }

  @Test
  void aMeasuredImageFillsEveryColumnWithItsOwnValue() throws Exception {
    String file = exposures(Samples.measured(9));

    Map<String, Object> row =
        query(
                """
                SELECT * REPLACE (array_to_string(psf_coefficients, ' ') AS psf_coefficients,
                  aper_radius::VARCHAR AS aper_radius, aper_growth::VARCHAR AS aper_growth,
                  aper_correction::VARCHAR AS aper_correction,
                  aper_correction_err::VARCHAR AS aper_correction_err,
                  aper_correction_scatter::VARCHAR AS aper_correction_scatter) FROM '%s'
                """
                    .formatted(file))
            .get(0);

    Map<String, Object> expected = new LinkedHashMap<>();
    expected.put("exposure_id", 9L);
    expected.put("path", "hdfs://host/a.fits");
    expected.put("hdu", 4);
    expected.put("status", "ok");
    expected.put("reason", null);
    expected.put("image_type", "science");
    expected.put("instrument", "generic");
    expected.put("field", "763");
    expected.put("ccd", "14");
    expected.put("quadrant", "3");
    expected.put("filter", "zr");
    expected.put("night", "2024-05-12");
    expected.put("mjd", 60443.25);
    expected.put("exptime", 30.0);
    expected.put("airmass", null);
    expected.put("gain", 6.5);
    expected.put("read_noise", 10.5);
    expected.put("n_stars", 20_000);
    expected.put("sky_level", 211.5);
    expected.put("sky_noise", 15.25);
    expected.put("psf_model", "moffat");
    expected.put("psf_fwhm", 2.125);
    expected.put("psf_ellipticity", 0.0625);
    expected.put("psf_beta", 3.5);
    expected.put("psf_stars", 321);
    expected.put("psf_chi2", 1.03125);
    expected.put("psf_coefficients", "0.5 -1.5 2.25");
    expected.put("saturated_share", 0.001);
    expected.put("masked_share", 0.002);
    expected.put("psf_holdout_stars", 64);
    expected.put("psf_holdout_size", 0.001);
    expected.put("psf_holdout_size_scatter", 0.01);
    expected.put("psf_holdout_e1", 0.002);
    expected.put("psf_holdout_e1_scatter", 0.02);
    expected.put("psf_holdout_e2", 0.003);
    expected.put("psf_holdout_e2_scatter", 0.03);
    expected.put("psf_holdout_flux", -0.004);
    expected.put("psf_holdout_flux_scatter", 0.04);
    expected.put("psf_holdout_size_by_mag", 0.005);
    expected.put("psf_holdout_flux_by_mag", 0.006);
    expected.put("psf_holdout_size_by_x", null);
    expected.put("psf_holdout_size_by_y", 0.008);
    expected.put("cosmic_ray_share", 0.0003);
    expected.put("trails", 1);
    expected.put("error_floor", 0.0025);
    expected.put("confusion_noise", 12.5);
    expected.put("aper_radius", "[2.0, 5.0]");
    expected.put("aper_growth", "[0.5, 0.875]");
    expected.put("aper_correction", "[2.0, NULL]");
    expected.put("aper_correction_err", "[0.001, NULL]");
    expected.put("aper_correction_scatter", "[0.01, NULL]");
    expected.put("aper_stars", 77);
    expected.put("zero_point", 26.5);
    expected.put("zero_point_err", 0.0125);
    expected.put("limiting_mag", 26.5 - 2.5 * Math.log10(100.0 / 30));
    expected.put("seconds_read", 1.0);
    expected.put("seconds_masters", 2.0);
    expected.put("seconds_calibrate", 3.0);
    expected.put("seconds_sky", 4.0);
    expected.put("seconds_detect", 5.0);
    expected.put("seconds_psf", 6.0);
    expected.put("seconds_measure", 7.0);
    expected.put("seconds_write", 8.0);
    expected.put("device", "java");
    expected.put("campaign", "night-1");
    expected.put("software_version", "0.1.0");
    expected.put("config_hash", "abcd");
    expected.put("bias_id", "bias-1");
    expected.put("flat_id", "flat-1");
    expected.put("notes", "odd header; few stars");
    assertThat(row).isEqualTo(expected);
    assertThat(row.keySet()).containsExactlyElementsOf(expected.keySet());
  }

  @Test
  void anUnreadableFileHasARowWithItsReasonAndNothingElse() throws Exception {
    ExposureRow failed =
        ExposureRow.of(Samples.identity(3, "b.fits", 0))
            .with(ExposureStatus.FAILED, "truncated file: 100 of 2880 bytes");

    Map<String, Object> row = query("SELECT * FROM '" + exposures(failed) + "'").get(0);

    assertThat(row).containsEntry("status", "failed").containsEntry("path", "b.fits");
    assertThat(row).containsEntry("reason", "truncated file: 100 of 2880 bytes");
    row.values().removeIf(java.util.Objects::isNull);
    assertThat(row.keySet())
        .containsExactly(
            "exposure_id",
            "path",
            "hdu",
            "status",
            "reason",
            "instrument",
            "campaign",
            "software_version",
            "config_hash");
  }

  @Test
  void anImageIsEitherOkOrHasAReason() {
    ExposureRow row = Samples.measured(1);

    assertThatThrownBy(() -> row.with(ExposureStatus.FAILED, null))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> row.with(ExposureStatus.OK, "none"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void starsAndTheirImagesJoin() throws Exception {
    String exposures =
        exposures(Samples.measured(0), Samples.measured(1L << 38), Samples.measured(2));
    try (SourcesWriter writer = new SourcesWriter(path("s.parquet"), hadoop, "zstd", 2)) {
      write(writer, 0, Samples.stars(10, 1));
      write(writer, 1L << 38, Samples.stars(20, 2));
      assertThat(writer.rows()).isEqualTo(30);
    }

    List<Map<String, Object>> rows =
        query(
            """
            SELECT e.exposure_id, e.filter, count(s.source_id) AS stars, min(s.source_id >> 24) AS id
            FROM '%s' e LEFT JOIN '%s' s USING (exposure_id) GROUP BY ALL ORDER BY ALL
            """
                .formatted(exposures, folder.resolve("s.parquet")));

    assertThat(rows).extracting(row -> row.get("stars")).containsExactly(10L, 0L, 20L);
    assertThat(rows).extracting(row -> row.get("id")).containsExactly(0L, null, 1L << 38);
    assertThat(rows).extracting(row -> row.get("filter")).containsOnly("zr");
  }

  @Test
  void theFooterTellsUnitsAndMeaningsInSparksOwnForm() throws Exception {
    for (CatalogTable table : CatalogTable.values()) {
      String name = table == CatalogTable.SOURCES ? "s.parquet" : "e.parquet";
      if (table == CatalogTable.SOURCES) {
        sources(name, "zstd", 1, Samples.stars(3, 1));
      } else {
        exposures(Samples.measured(1));
      }
      ParquetMetadata footer;
      try (ParquetFileReader reader =
          ParquetFileReader.open(HadoopInputFile.fromPath(path(name), hadoop))) {
        footer = reader.getFooter();
      }
      StructType told =
          (StructType)
              DataType.fromJson(
                  footer
                      .getFileMetaData()
                      .getKeyValueMetaData()
                      .get(CatalogTable.SPARK_SCHEMA_KEY));

      assertThat(told).isEqualTo(table.sparkSchema(2));
      assertThat(footer.getFileMetaData().getSchema()).isEqualTo(table.parquetSchema(2));
      for (Column column : table.columns(2)) {
        assertThat(told.apply(column.name()).metadata().getString("comment")).isNotEmpty();
        assertThat(told.apply(column.name()).metadata().getString("unit")).isEqualTo(column.unit());
      }
      assertThat(footer.getFileMetaData().getSchema().getColumns())
          .extracting(ColumnDescriptor::getMaxDefinitionLevel)
          .contains(0, 1);
    }
  }

  @Test
  void anImageWithoutStarsAddsNoRow() throws Exception {
    String file = sources("s.parquet", "zstd", 1, Samples.stars(0, 1));

    assertThat(query("SELECT count(*) AS n FROM '" + file + "'").get(0)).containsEntry("n", 0L);
  }

  @Test
  void writingAgainReplacesWhatWasThere() throws Exception {
    sources("s.parquet", "zstd", 1, Samples.stars(30, 1));
    String file = sources("s.parquet", "zstd", 1, Samples.stars(20, 1));

    assertThat(query("SELECT count(*) AS n FROM '" + file + "'").get(0)).containsEntry("n", 20L);
  }

  @Test
  void noTwoStarsShareAName() {
    Set<Long> names = new HashSet<>();
    for (long exposure : new long[] {0, 1, 2, SourceId.EXPOSURE_LIMIT - 1}) {
      for (int star : new int[] {0, 1, SourceId.STAR_LIMIT - 1}) {
        long name = SourceId.of(exposure, star);
        assertThat(names.add(name)).isTrue();
        assertThat(name).isNotNegative();
        assertThat(SourceId.exposureId(name)).isEqualTo(exposure);
        assertThat(SourceId.index(name)).isEqualTo(star);
      }
    }
    assertThatThrownBy(() -> SourceId.of(SourceId.EXPOSURE_LIMIT, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SourceId.of(0, SourceId.STAR_LIMIT))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SourceId.of(-1, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void tenTimesTheFluxIsTwoAndAHalfMagnitudesBrighter() {
    assertThat(Magnitudes.of(1000, 10, Double.NaN)).isEqualTo(20.0);
    assertThat(Magnitudes.of(10_000, 10, Double.NaN)).isEqualTo(17.5);
    assertThat(Magnitudes.of(1000, 10, 26)).isEqualTo(21.0);
    assertThat(Magnitudes.of(0, 10, 26)).isNaN();
    assertThat(Magnitudes.of(-5, 10, 26)).isNaN();

    Stars stars = Samples.stars(100, 8);
    Magnitudes magnitudes = Magnitudes.of(stars, 30, 26);
    for (int i = 0; i < 100; i++) {
      if (stars.flux()[i] > 0) {
        double brighter = Magnitudes.of(stars.flux()[i] * 1.0001, 30, 26);
        double slope = (magnitudes.mag()[i] - brighter) / 1e-4;
        assertThat((double) magnitudes.magErr()[i])
            .isCloseTo(
                slope * stars.fluxErr()[i] / stars.flux()[i],
                within(0.05 * Math.abs(magnitudes.magErr()[i])));
      } else {
        assertThat(magnitudes.mag()[i]).isNaN();
        assertThat(magnitudes.magErr()[i]).isNaN();
      }
    }
  }

  @Test
  void columnsOfAnotherLengthThanTheStarsAreRefused() throws Exception {
    Stars stars = Samples.stars(3, 1);
    try (SourcesWriter writer = new SourcesWriter(path("s.parquet"), hadoop, "zstd", 2)) {
      assertThatThrownBy(() -> writer.write(1, stars, null, null, new float[3], new float[2]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 stars");
    }
  }

  @Test
  void starsWithOtherAperturesThanTheirTableAreRefused() throws Exception {
    Stars stars = Samples.stars(3, 1);
    try (SourcesWriter writer = new SourcesWriter(path("s.parquet"), hadoop, "zstd", 6)) {
      assertThatThrownBy(() -> writer.write(1, stars, null, null, new float[3], new float[3]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2 apertures in a table with 6");
    }
  }

  @Test
  void aCatalogWithoutAperturesHasNoColumnsForThem() {
    assertThat(CatalogTable.SOURCES.columns(0))
        .extracting(Column::name)
        .doesNotContain("aper_flux_1");
    assertThat(CatalogTable.SOURCES.csvHeader(3))
        .contains(",crowding,aper_flux_1,aper_flux_2,aper_flux_3,aper_flux_err_1,")
        .endsWith(",aper_flux_err_3,flags,pass");
  }

  @Test
  void everyColumnHasItsLineInTheTableForReaders() {
    assertThat(CatalogTable.SOURCES.markdown())
        .contains("| `flux` | float | electron | flux of the whole PSF |\n")
        .contains("| `pass` | tinyint |  | pass in which the star was found, from 1 |\n");
    assertThat(CatalogTable.EXPOSURES.markdown().lines())
        .hasSize(2 + CatalogTable.EXPOSURES.columns(0).size());
  }

  @Test
  @Tag("full")
  void sparkReadsBothTablesWithUnitsAndMeanings() throws Exception {
    sources("s.parquet", "zstd", 1, Samples.stars(50, 1));
    exposures(Samples.measured(1));
    try (SparkSession spark =
        SparkSession.builder().master("local[1]").config("spark.ui.enabled", false).getOrCreate()) {
      var sources = spark.read().parquet(folder.resolve("s.parquet").toString());
      var exposures = spark.read().parquet(folder.resolve("e.parquet").toString());

      assertThat(sources.schema().apply("flux").metadata().getString("unit")).isEqualTo("electron");
      assertThat(exposures.schema().simpleString())
          .isEqualTo(CatalogTable.EXPOSURES.sparkSchema(0).simpleString());
      assertThat(sources.join(exposures, "exposure_id").filter("pass > 0").count()).isEqualTo(50);
      assertThat(exposures.first().getList(exposures.first().fieldIndex("psf_coefficients")))
          .isEqualTo(List.of(0.5, -1.5, 2.25));
    }
  }
}
