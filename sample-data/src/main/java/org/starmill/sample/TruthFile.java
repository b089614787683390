package org.starmill.sample;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/**
 * Writes the true stars of one exposure as Parquet: a row a star and HDU, compressed by Zstandard.
 */
final class TruthFile implements AutoCloseable {
  private static final MessageType ROW =
      MessageTypeParser.parseMessageType(
          """
          message star {
            required binary file (UTF8);
            required int32 hdu;
            required double x;
            required double y;
            required double ra;
            required double dec;
            required double flux;
            required double mag;
            required double flux_bound;
            required float fwhm;
            required boolean inside;
            required boolean saturated;
            required float neighbour_distance;
          }
          """);

  private static final Map<String, String> MEANING = new LinkedHashMap<>();

  static {
    MEANING.put("starmill.x", "column of the centre in the trimmed image, first pixel 0");
    MEANING.put("starmill.y", "row of the centre in the trimmed image, first pixel 0");
    MEANING.put("starmill.ra", "degrees, ICRS");
    MEANING.put("starmill.dec", "degrees, ICRS");
    MEANING.put("starmill.flux", "electrons at response 1, total to infinity");
    MEANING.put("starmill.flux_bound", "Cramer-Rao bound of the flux, electrons");
    MEANING.put("starmill.fwhm", "pixels");
    MEANING.put("starmill.neighbour_distance", "pixels to a star above 1 % of the flux, cap 100");
  }

  private final ParquetWriter<Group> writer;
  private final SimpleGroupFactory rows = new SimpleGroupFactory(ROW);

  TruthFile(Path path) throws IOException {
    writer =
        ExampleParquetWriter.builder(new LocalOutputFile(path))
            .withConf(new PlainParquetConfiguration())
            .withType(ROW)
            .withExtraMetaData(MEANING)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .build();
  }

  /** Adds the stars of one HDU of the file named. */
  void add(String file, int hdu, StarTruth stars) throws IOException {
    for (int i = 0; i < stars.count(); i++) {
      writer.write(
          rows.newGroup()
              .append("file", file)
              .append("hdu", hdu)
              .append("x", stars.x()[i])
              .append("y", stars.y()[i])
              .append("ra", stars.ra()[i])
              .append("dec", stars.dec()[i])
              .append("flux", stars.flux()[i])
              .append("mag", stars.mag()[i])
              .append("flux_bound", stars.fluxBound()[i])
              .append("fwhm", (float) stars.fwhm()[i])
              .append("inside", stars.inside()[i])
              .append("saturated", stars.saturated()[i])
              .append("neighbour_distance", (float) stars.neighbourDistance()[i]));
    }
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
