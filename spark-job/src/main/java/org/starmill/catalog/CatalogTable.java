package org.starmill.catalog;

import static org.starmill.catalog.Column.Kind.BYTE;
import static org.starmill.catalog.Column.Kind.DOUBLE;
import static org.starmill.catalog.Column.Kind.DOUBLES;
import static org.starmill.catalog.Column.Kind.FLOAT;
import static org.starmill.catalog.Column.Kind.INT;
import static org.starmill.catalog.Column.Kind.LONG;
import static org.starmill.catalog.Column.Kind.TEXT;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.parquet.schema.MessageType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.starmill.catalog.Column.Kind;

/**
 * The tables of a catalog and their columns, with units and meanings.
 *
 * <p>Every file that is written takes its schema from here; Spark reads the units and meanings back
 * as the metadata of its fields.
 */
public enum CatalogTable {
  /** A row a star. */
  SOURCES(
      List.of(
          required("exposure_id", LONG, "", "row of the exposures table the star was measured in"),
          required("source_id", LONG, "", "unique in a campaign: exposure_id * 2^24 + position"),
          required("x", FLOAT, "pixel", "column of the centre, 0 at the centre of the first pixel"),
          required("y", FLOAT, "pixel", "row of the centre, 0 at the centre of the first pixel"),
          optional("x_err", FLOAT, "pixel", "standard deviation of x"),
          optional("y_err", FLOAT, "pixel", "standard deviation of y"),
          optional("ra", DOUBLE, "deg", "right ascension, ICRS; null without a WCS"),
          optional("dec", DOUBLE, "deg", "declination, ICRS; null without a WCS"),
          optional("flux", FLOAT, "electron", "flux of the whole PSF"),
          optional("flux_err", FLOAT, "electron", "standard deviation of flux"),
          optional(
              "mag",
              FLOAT,
              "mag",
              "zero_point - 2.5 log10(flux / exptime), with 25 where zero_point is null; null where flux is not above 0"),
          optional("mag_err", FLOAT, "mag", "2.5 / ln 10 * flux_err / flux; null where mag is"),
          optional("sky", FLOAT, "electron/pixel", "sky under the star"),
          optional("chi2", FLOAT, "", "reduced chi squared of the fit"),
          optional(
              "sharp",
              FLOAT,
              "",
              "how much wider than the PSF, as a change of ln FWHM: above 0 wider (a galaxy), below 0 narrower (a cosmic ray)"),
          optional("quality", FLOAT, "", "share of the PSF's weight on good pixels, 0 to 1"),
          optional("crowding", FLOAT, "", "own share of the flux under the PSF, 0 to 1"),
          optional(
              "aper_flux" + Words.EACH,
              FLOAT,
              "electron",
              "flux in the circular aperture of that number (exposures.aper_radius), less the local sky, neighbours taken off; null where pixels without weight hold more than a fifth of the star's light in it, or no sky was found"),
          optional(
              "aper_flux_err" + Words.EACH,
              FLOAT,
              "electron",
              "standard deviation of that flux, with the local sky's, without the neighbours'"),
          required(
              "flags",
              INT,
              "",
              "bits 0-7 pixels under the core: bad, saturated, bleed, cosmic ray, low response, no data, edge, trail; bits 16-26 fit: not converged, at a bound, fitted with neighbours, neighbour dominates, position fixed, negative flux, PSF extrapolated, outside the frame, poor fit, blended, work limit"),
          required("pass", BYTE, "", "pass in which the star was found, from 1"))),

  /** A row an image that was tried, whatever came of it. */
  EXPOSURES(
      List.of(
          required("exposure_id", LONG, "", "number of the image in the campaign"),
          required("path", TEXT, "", "file the image was read from"),
          required("hdu", INT, "", "number of its HDU, 0 for the primary"),
          required("status", TEXT, "", "ok, partial or failed"),
          optional("reason", TEXT, "", "why it is not ok: a short code, a colon, the details"),
          optional("image_type", TEXT, "", "bias, flat, dark or science"),
          optional("instrument", TEXT, "", "name of the instrument file"),
          optional("field", TEXT, "", "field or object"),
          optional("ccd", TEXT, "", "detector"),
          optional("quadrant", TEXT, "", "amplifier of the detector"),
          optional("filter", TEXT, "", "filter"),
          optional("night", TEXT, "", "date of the night's evening"),
          optional("mjd", DOUBLE, "d", "start of the exposure, MJD, UTC"),
          optional("exptime", DOUBLE, "s", "exposure time"),
          optional("airmass", DOUBLE, "", "airmass"),
          optional("gain", DOUBLE, "electron/adu", "gain the image was calibrated with"),
          optional("read_noise", DOUBLE, "electron", "read noise the image was calibrated with"),
          optional("n_stars", INT, "", "rows of this image in the sources table"),
          optional("sky_level", DOUBLE, "electron/pixel", "sky, median over the image"),
          optional(
              "sky_noise",
              DOUBLE,
              "electron",
              "standard deviation of a pixel of empty sky, median over the image"),
          optional("psf_model", TEXT, "", "moffat or gaussian"),
          optional(
              "psf_fwhm", DOUBLE, "pixel", "full width at half maximum at the centre of the image"),
          optional("psf_ellipticity", DOUBLE, "", "1 - minor / major axis at the centre"),
          optional("psf_beta", DOUBLE, "", "Moffat's beta at the centre; null for a Gaussian"),
          optional("psf_stars", INT, "", "stars the PSF was fitted to"),
          optional("psf_chi2", DOUBLE, "", "reduced chi squared of those stars"),
          optional(
              "psf_coefficients",
              DOUBLES,
              "",
              "for each of ln FWHM, e1, e2, beta the polynomial 1, u, v, uu, uv, vv, ... with u, v from -1 to 1 across the image"),
          optional("saturated_share", DOUBLE, "", "share of pixels that are saturated"),
          optional("masked_share", DOUBLE, "", "share of pixels without weight"),
          optional("psf_holdout_stars", INT, "", "stars held out of the fit of the PSF"),
          optional(
              "psf_holdout_size", DOUBLE, "", "their median residual of ln FWHM, star less PSF"),
          optional("psf_holdout_size_scatter", DOUBLE, "", Words.SCATTER),
          optional(
              "psf_holdout_e1", DOUBLE, "", "their median residual of ellipticity along the axes"),
          optional("psf_holdout_e1_scatter", DOUBLE, "", Words.SCATTER),
          optional(
              "psf_holdout_e2",
              DOUBLE,
              "",
              "their median residual of ellipticity along the diagonals"),
          optional("psf_holdout_e2_scatter", DOUBLE, "", Words.SCATTER),
          optional(
              "psf_holdout_flux", DOUBLE, "", "their median residual of flux, as a share of it"),
          optional("psf_holdout_flux_scatter", DOUBLE, "", Words.SCATTER),
          optional(
              "psf_holdout_size_by_mag",
              DOUBLE,
              "1/mag",
              "slope of the size's residual against magnitude; above 0 faint stars are wider"),
          optional(
              "psf_holdout_flux_by_mag",
              DOUBLE,
              "1/mag",
              "slope of the flux's residual against magnitude"),
          optional(
              "psf_holdout_size_by_x",
              DOUBLE,
              "",
              "slope of the size's residual from the left edge to the right"),
          optional(
              "psf_holdout_size_by_y",
              DOUBLE,
              "",
              "slope of the size's residual from the first row to the last"),
          optional("cosmic_ray_share", DOUBLE, "", "share of pixels flagged as cosmic rays"),
          optional("trails", INT, "", "trails of satellites and aircraft that were masked"),
          optional(
              "error_floor",
              DOUBLE,
              "",
              "fitted relative error of the PSF in a pixel, part of the variance of every fit"),
          optional(
              "confusion_noise",
              DOUBLE,
              "electron",
              "what stars that are not seen, and structure, add to the noise of a faint star's flux; not in flux_err"),
          optional("aper_radius", DOUBLES, "pixel", "radii of the apertures"),
          optional(
              "aper_growth",
              DOUBLES,
              "",
              "curve of growth: for each aperture the mean of its flux / PSF flux of bright stars that stand alone"),
          optional(
              "aper_correction",
              DOUBLES,
              "",
              "for each aperture the median of PSF flux / its flux: what aper_flux is multiplied by to be on the scale of flux"),
          optional("aper_correction_err", DOUBLES, "", "standard deviation of aper_correction"),
          optional(
              "aper_correction_scatter",
              DOUBLES,
              "",
              "1.4826 times the median absolute deviation of PSF flux / aperture flux"),
          optional("aper_stars", INT, "", "stars that aper_correction was taken from"),
          optional(
              "zero_point",
              DOUBLE,
              "mag",
              "magnitude of one electron a second; null where unknown"),
          optional("zero_point_err", DOUBLE, "mag", "standard deviation of zero_point"),
          optional(
              "limiting_mag",
              DOUBLE,
              "mag",
              "magnitude of an isolated star at five standard deviations, on the scale of mag"),
          optional("seconds_read", DOUBLE, "s", "wall time of reading the frame"),
          optional("seconds_masters", DOUBLE, "s", "wall time of getting the masters"),
          optional("seconds_calibrate", DOUBLE, "s", "wall time of the calibration"),
          optional("seconds_sky", DOUBLE, "s", "wall time of the sky"),
          optional("seconds_detect", DOUBLE, "s", "wall time of the detection"),
          optional("seconds_psf", DOUBLE, "s", "wall time of the PSF"),
          optional("seconds_measure", DOUBLE, "s", "wall time of the fits of the stars"),
          optional("seconds_write", DOUBLE, "s", "wall time of writing the stars"),
          optional("device", TEXT, "", "device that ran the kernels"),
          optional("campaign", TEXT, "", "identity of the campaign"),
          optional("software_version", TEXT, "", "version of Starmill"),
          optional("config_hash", TEXT, "", "names all settings that change results"),
          optional("bias_id", TEXT, "", "identity of the master bias"),
          optional("flat_id", TEXT, "", "identity of the master flat"),
          optional("notes", TEXT, "", "oddities of the header and what was done about them")));

  /** The key under which Spark keeps a table's schema in a Parquet file's footer. */
  public static final String SPARK_SCHEMA_KEY = "org.apache.spark.sql.parquet.row.metadata";

  /** What the columns above need while they are being made. */
  private static final class Words {
    /** End of a name that stands for as many columns as there are apertures. */
    static final String EACH = "_1..n";

    static final String SCATTER = "1.4826 times its median absolute deviation";
  }

  private final List<Column> columns;

  CatalogTable(List<Column> columns) {
    this.columns = columns;
  }

  private static Column required(String name, Kind kind, String unit, String comment) {
    return new Column(name, kind, false, unit, comment);
  }

  private static Column optional(String name, Kind kind, String unit, String comment) {
    return new Column(name, kind, true, unit, comment);
  }

  /**
   * The columns, in the order of the files.
   *
   * @param apertures of every star: each brings columns of its own to {@link #SOURCES}
   */
  public List<Column> columns(int apertures) {
    return columns.stream().flatMap(column -> each(column, apertures)).toList();
  }

  private static Stream<Column> each(Column column, int apertures) {
    if (!column.name().endsWith(Words.EACH)) {
      return Stream.of(column);
    }
    String name = column.name().substring(0, column.name().length() - Words.EACH.length());
    return IntStream.rangeClosed(1, apertures)
        .mapToObj(
            n ->
                new Column(
                    name + "_" + n,
                    column.kind(),
                    column.nullable(),
                    column.unit(),
                    column.comment()));
  }

  /** The schema as Spark has it, with units and meanings as the fields' metadata. */
  public StructType sparkSchema(int apertures) {
    return DataTypes.createStructType(columns(apertures).stream().map(Column::sparkField).toList());
  }

  /** The schema as Parquet has it. */
  public MessageType parquetSchema(int apertures) {
    return new MessageType(
        "spark_schema",
        columns(apertures).stream().map(Column::parquetType).collect(Collectors.toList()));
  }

  Map<String, String> footer(int apertures) {
    return Map.of(SPARK_SCHEMA_KEY, sparkSchema(apertures).json());
  }

  /** The first line of a CSV file, without its line end. */
  public String csvHeader(int apertures) {
    return columns(apertures).stream().map(Column::name).collect(Collectors.joining(","));
  }

  /**
   * A Markdown table of all columns with type, unit and meaning; those of apertures in one line.
   */
  public String markdown() {
    StringBuilder table =
        new StringBuilder("| column | type | unit | what it is |\n|---|---|---|---|\n");
    for (Column column : columns) {
      table.append(
          "| `%s` | %s | %s | %s |\n"
              .formatted(
                  column.name(),
                  column.sparkField().dataType().simpleString(),
                  column.unit(),
                  column.comment().replace("|", "\\|")));
    }
    return table.toString();
  }
}
