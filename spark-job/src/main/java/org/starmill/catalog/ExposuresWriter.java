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
import org.starmill.measure.ApertureSummary;
import org.starmill.measure.ImageSummary;
import org.starmill.psf.PsfHoldOut;

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
        TableFile.open(HadoopOutputFile.fromPath(file, hadoop), hadoop, new Columns(), compression);
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
      super(CatalogTable.EXPOSURES, 0);
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
      put(52, row.zeroPoint().magnitude());
      put(53, row.zeroPoint().error());
      put(54, row.limitingMagnitude());
      put(55, row.secondsOf("read"));
      put(56, row.secondsOf("masters"));
      put(57, row.secondsOf("calibrate"));
      put(58, row.secondsOf("sky"));
      put(59, row.secondsOf("detect"));
      put(60, row.secondsOf("psf"));
      put(61, row.secondsOf("measure"));
      put(62, row.secondsOf("write"));
      put(63, row.measurement().device());
      put(67, row.calibration().biasId());
      put(68, row.calibration().flatId());
      put(69, notes(row));
    }

    private void writeIdentity(ExposureRow.Identity identity) {
      put(0, identity.exposureId());
      put(1, identity.path());
      put(2, identity.hdu());
      put(6, identity.instrument());
      put(64, identity.campaign());
      put(65, identity.softwareVersion());
      put(66, identity.configHash());
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
      writeHoldOut(summary.psfHoldOut());
      put(42, summary.cosmicRayShare());
      put(43, summary.trails());
      put(44, summary.errorFloor());
      put(45, summary.confusionNoise());
      writeApertures(summary.apertures());
    }

    private void writeHoldOut(PsfHoldOut heldOut) {
      put(29, heldOut.stars());
      put(30, heldOut.size());
      put(31, heldOut.sizeScatter());
      put(32, heldOut.e1());
      put(33, heldOut.e1Scatter());
      put(34, heldOut.e2());
      put(35, heldOut.e2Scatter());
      put(36, heldOut.flux());
      put(37, heldOut.fluxScatter());
      put(38, heldOut.sizeByMag());
      put(39, heldOut.fluxByMag());
      put(40, heldOut.sizeByX());
      put(41, heldOut.sizeByY());
    }

    private void writeApertures(ApertureSummary apertures) {
      put(46, apertures.radius());
      put(47, apertures.growth());
      put(48, apertures.correction());
      put(49, apertures.correctionErr());
      put(50, apertures.correctionScatter());
      put(51, apertures.stars());
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
