package org.starmill.catalog;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.starmill.instrument.FrameFacts;
import org.starmill.measure.ImageSummary;

/**
 * Writes rows to a Parquet file of the table {@link CatalogTable#EXPOSURES}.
 *
 * <p>Not safe for use by several threads at once.
 */
public final class ExposuresWriter implements Closeable {
  private final ParquetWriter<ExposureRow> writer;

  /**
   * Opens the file, replacing one that is there.
   *
   * @param compression zstd, snappy, gzip or none
   */
  public ExposuresWriter(Path file, Configuration hadoop, String compression) throws IOException {
    writer =
        TableFile.open(
            HadoopOutputFile.fromPath(file, hadoop),
            hadoop,
            CatalogTable.EXPOSURES,
            new Columns(),
            compression);
  }

  /** Writes one image's row. */
  public void write(ExposureRow row) throws IOException {
    writer.write(row);
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  private static final class Columns extends TableWriteSupport<ExposureRow> {
    Columns() {
      super(CatalogTable.EXPOSURES);
    }

    @Override
    void writeColumns(ExposureRow row) {
      writeIdentity(row.identity());
      put(3, row.outcome().status().word());
      put(4, row.outcome().reason());
      if (row.facts() != null) {
        writeFacts(row.facts());
      }
      put(16, row.calibration().readNoise());
      if (row.stars() >= 0) {
        put(17, row.stars());
      }
      if (row.measurement().summary() != null) {
        writeSummary(row.measurement().summary());
      }
      put(29, row.zeroPoint().magnitude());
      put(30, row.zeroPoint().error());
      put(31, row.limitingMagnitude());
      put(32, row.secondsOf("read"));
      put(33, row.secondsOf("masters"));
      put(34, row.secondsOf("calibrate"));
      put(35, row.secondsOf("sky"));
      put(36, row.secondsOf("detect"));
      put(37, row.secondsOf("psf"));
      put(38, row.secondsOf("measure"));
      put(39, row.secondsOf("write"));
      put(40, row.measurement().device());
      put(44, row.calibration().biasId());
      put(45, row.calibration().flatId());
      put(46, notes(row));
    }

    private void writeIdentity(ExposureRow.Identity identity) {
      put(0, identity.exposureId());
      put(1, identity.path());
      put(2, identity.hdu());
      put(6, identity.instrument());
      put(41, identity.campaign());
      put(42, identity.softwareVersion());
      put(43, identity.configHash());
    }

    private void writeFacts(FrameFacts facts) {
      put(5, facts.type().word());
      put(7, facts.field());
      put(8, facts.ccd());
      put(9, facts.quadrant());
      put(10, facts.filter());
      put(11, facts.night());
      put(12, facts.mjd());
      put(13, facts.exposureSeconds());
      put(14, facts.airmass());
      put(15, facts.gain());
    }

    private void writeSummary(ImageSummary summary) {
      put(18, summary.skyLevel());
      put(19, summary.skyNoise());
      put(20, summary.psfModel());
      put(21, summary.psfFwhm());
      put(22, summary.psfEllipticity());
      put(23, summary.psfBeta());
      put(24, summary.psfStars());
      put(25, summary.psfChi2());
      put(26, summary.psfCoefficients());
      put(27, summary.saturatedShare());
      put(28, summary.maskedShare());
    }

    private static String notes(ExposureRow row) {
      List<String> notes = new ArrayList<>();
      if (row.facts() != null) {
        notes.addAll(row.facts().notes());
      }
      notes.addAll(row.notes());
      return notes.isEmpty() ? null : String.join("; ", notes);
    }
  }
}
