package org.starmill.catalog;

import java.io.Closeable;
import java.io.IOException;
import java.io.Writer;
import org.starmill.measure.Stars;

/**
 * Writes stars as CSV, with the columns of {@link CatalogTable#SOURCES}.
 *
 * <p>The first line has the names; numbers are written in the shortest form that reads back as the
 * same value of their type; what is absent is empty.
 */
public final class CsvSources implements Closeable {
  private final Writer out;
  private final int apertures;

  /**
   * Writes the first line.
   *
   * @param apertures of every star that is to be written
   */
  public CsvSources(Writer out, int apertures) throws IOException {
    this.out = out;
    this.apertures = apertures;
    out.write(CatalogTable.SOURCES.csvHeader(apertures));
    out.write('\n');
  }

  /** Writes the stars of one image; the same as {@link SourcesWriter#write}. */
  public void write(
      long exposureId, Stars stars, double[] ra, double[] dec, float[] mag, float[] magErr)
      throws IOException {
    SourceRows source = new SourceRows(exposureId, apertures, stars, ra, dec, mag, magErr);
    StringBuilder line = new StringBuilder(300);
    for (int row = 0; row < stars.count(); row++) {
      source.row = row;
      line.setLength(0);
      line.append(exposureId).append(',').append(source.sourceId());
      append(line, (float) stars.x()[row]);
      append(line, (float) stars.y()[row]);
      append(line, stars.xErr()[row]);
      append(line, stars.yErr()[row]);
      append(line, source.ra());
      append(line, source.dec());
      append(line, stars.flux()[row]);
      append(line, stars.fluxErr()[row]);
      append(line, mag[row]);
      append(line, magErr[row]);
      append(line, stars.sky()[row]);
      append(line, stars.chi2()[row]);
      append(line, stars.sharp()[row]);
      append(line, stars.quality()[row]);
      append(line, stars.crowding()[row]);
      for (float[] flux : stars.aperFlux()) {
        append(line, flux[row]);
      }
      for (float[] error : stars.aperFluxErr()) {
        append(line, error[row]);
      }
      line.append(',').append(stars.flags()[row]).append(',').append(stars.pass()[row]);
      out.append(line.append('\n'));
    }
  }

  private static void append(StringBuilder line, float value) {
    line.append(',');
    if (!Float.isNaN(value)) {
      line.append(value);
    }
  }

  private static void append(StringBuilder line, double value) {
    line.append(',');
    if (!Double.isNaN(value)) {
      line.append(value);
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
