package org.starmill.campaign;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.api.java.UDF4;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;

/**
 * The work that a frame is expected to make, in pixels that are measured: its own and those that
 * its stars are worth, as many as its place in the sky lets expect ({@link StarsExpected}).
 */
final class ExpectedWork {
  /** Of a frame of the plan. */
  static final Column OF =
      when(
              col("reason").isNull().and(col("image_type").equalTo("science")),
              functions
                  .udf(
                      (UDF4<Integer, Integer, Double, Double, Double>) ExpectedWork::measuring,
                      DataTypes.DoubleType)
                  .apply(col("width"), col("height"), col("ra"), col("dec")))
          .otherwise(lit(StarsExpected.UNMEASURED));

  private ExpectedWork() {}

  static double of(PlannedFrame frame) {
    return frame.isScience()
        ? measuring(frame.width(), frame.height(), frame.ra(), frame.dec())
        : StarsExpected.UNMEASURED;
  }

  private static Double measuring(Integer width, Integer height, Double ra, Double dec) {
    double pixels = (double) width * height;
    return pixels + StarsExpected.PIXELS_A_STAR * StarsExpected.stars(pixels, ra, dec);
  }
}
