package org.starmill.publish;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.util.SerializableConfiguration;
import org.starmill.healpix.HealpixPixel;

/**
 * Writes a task's rows, sorted by their place on the sky, to a file for each pixel.
 *
 * <p>Files have names of their own for each attempt of the task; which attempts count is the
 * driver's to say.
 */
final class PixelTask implements FlatMapFunction<Iterator<Row>, PixelTask.Written> {
  private static final long serialVersionUID = 1L;

  /**
   * A file that was written.
   *
   * @param pixel position of the pixel among those that are written
   * @param file below the staging folder
   * @param rows in it
   */
  record Written(int pixel, String file, long rows) implements Serializable {}

  private final String staging;
  private final int apertures;
  private final Broadcast<WrittenPixels> pixels;
  private final Broadcast<SerializableConfiguration> hadoop;

  PixelTask(
      String staging,
      int apertures,
      Broadcast<WrittenPixels> pixels,
      Broadcast<SerializableConfiguration> hadoop) {
    this.staging = staging;
    this.apertures = apertures;
    this.pixels = pixels;
    this.hadoop = hadoop;
  }

  @Override
  public Iterator<Written> call(Iterator<Row> rows) throws IOException {
    List<Written> written = new ArrayList<>();
    Row row = rows.hasNext() ? rows.next() : null;
    while (row != null) {
      int pixel = pixels.value().of(row.getLong(0));
      long end = pixels.value().pixel(pixel).end();
      String file = file(pixels.value().pixel(pixel));
      long count = 0;
      Configuration configuration = hadoop.value().value();
      try (PixelFile out = new PixelFile(new Path(staging, file), configuration, apertures)) {
        while (row != null && row.getLong(0) < end) {
          out.write(row);
          count++;
          row = rows.hasNext() ? rows.next() : null;
        }
      }
      written.add(new Written(pixel, file, count));
    }
    return written.iterator();
  }

  private static String file(HealpixPixel pixel) {
    return "%s/Npix=%d-%d.parquet"
        .formatted(HatsLayout.folder(pixel), pixel.number(), TaskContext.get().taskAttemptId());
  }
}
