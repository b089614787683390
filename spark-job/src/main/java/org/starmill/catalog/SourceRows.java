package org.starmill.catalog;

import org.starmill.measure.Stars;

/** The stars of one image with a cursor on one of them: what the writers of sources walk along. */
final class SourceRows {
  final long exposureId;
  final Stars stars;
  final double[] ra;
  final double[] dec;
  final float[] mag;
  final float[] magErr;
  int row;

  SourceRows(
      long exposureId,
      int apertures,
      Stars stars,
      double[] ra,
      double[] dec,
      float[] mag,
      float[] magErr) {
    this.exposureId = exposureId;
    this.stars = stars;
    this.ra = ra;
    this.dec = dec;
    this.mag = mag;
    this.magErr = magErr;
    int count = stars.count();
    if (stars.apertures() != apertures) {
      throw new IllegalArgumentException(
          "exposure %d: stars with %d apertures in a table with %d: expected the same settings for all"
              .formatted(exposureId, stars.apertures(), apertures));
    }
    if (mag.length != count
        || magErr.length != count
        || (ra != null && ra.length != count)
        || (dec != null && dec.length != count)) {
      throw new IllegalArgumentException(
          "exposure %d: %d stars need as many values of ra, dec, mag and mag_err"
              .formatted(exposureId, count));
    }
  }

  long sourceId() {
    return SourceId.of(exposureId, row);
  }

  double ra() {
    return ra == null ? Double.NaN : ra[row];
  }

  double dec() {
    return dec == null ? Double.NaN : dec[row];
  }
}
