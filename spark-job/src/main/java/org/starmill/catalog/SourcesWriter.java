package org.starmill.catalog;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.starmill.measure.Stars;

/**
 * Writes stars to a Parquet file of the table {@link CatalogTable#SOURCES}.
 *
 * <p>Straight from the arrays to Parquet's column buffers, with no object a row. Not safe for use
 * by several threads at once.
 */
public final class SourcesWriter implements Closeable {
  private final ParquetWriter<SourceRows> writer;
  private final int apertures;
  private long rows;

  /**
   * Opens the file, replacing one that is there.
   *
   * @param compression zstd, snappy, gzip or none
   * @param apertures of every star that is to be written
   */
  public SourcesWriter(Path file, Configuration hadoop, String compression, int apertures)
      throws IOException {
    this.apertures = apertures;
    writer =
        TableFile.open(
            HadoopOutputFile.fromPath(file, hadoop), hadoop, new Columns(apertures), compression);
  }

  /**
   * Writes the stars of one image.
   *
   * @param exposureId from 0, below {@link SourceId#EXPOSURE_LIMIT}
   * @param stars as measured
   * @param ra degrees, ICRS, a value a star; null, or NaN for a star, where there is no WCS
   * @param dec degrees, ICRS, likewise
   * @param mag NaN where there is none, as {@link Magnitudes} has it
   * @param magErr one standard deviation
   */
  public void write(
      long exposureId, Stars stars, double[] ra, double[] dec, float[] mag, float[] magErr)
      throws IOException {
    SourceRows source = new SourceRows(exposureId, apertures, stars, ra, dec, mag, magErr);
    for (int row = 0; row < stars.count(); row++) {
      source.row = row;
      writer.write(source);
    }
    rows += stars.count();
  }

  /** Rows written so far. */
  public long rows() {
    return rows;
  }

  /** Bytes of the file, with those still in memory: exact once closed. */
  public long bytes() {
    return writer.getDataSize();
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  private static final class Columns extends TableWriteSupport<SourceRows> {
    private final int apertures;

    Columns(int apertures) {
      super(CatalogTable.SOURCES, apertures);
      this.apertures = apertures;
    }

    @Override
    void writeColumns(SourceRows source) {
      Stars stars = source.stars;
      int row = source.row;
      put(0, source.exposureId);
      put(1, source.sourceId());
      putRequired(2, (float) stars.x()[row]);
      putRequired(3, (float) stars.y()[row]);
      put(4, stars.xErr()[row]);
      put(5, stars.yErr()[row]);
      put(6, source.ra());
      put(7, source.dec());
      put(8, stars.flux()[row]);
      put(9, stars.fluxErr()[row]);
      put(10, source.mag[row]);
      put(11, source.magErr[row]);
      put(12, stars.sky()[row]);
      put(13, stars.chi2()[row]);
      put(14, stars.sharp()[row]);
      put(15, stars.quality()[row]);
      put(16, stars.crowding()[row]);
      for (int k = 0; k < apertures; k++) {
        put(17 + k, stars.aperFlux()[k][row]);
      }
      for (int k = 0; k < apertures; k++) {
        put(17 + apertures + k, stars.aperFluxErr()[k][row]);
      }
      put(17 + 2 * apertures, stars.flags()[row]);
      put(18 + 2 * apertures, stars.pass()[row]);
    }
  }
}
