package org.starmill.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.starmill.measure.Stars;

class SourcesRoundTripTest {
  @Property(tries = 12, seed = "7")
  void whateverIsWrittenIsReadBackBitForBit(
      @ForAll @LongRange(min = 0, max = (1L << 39) - 1) long exposureId,
      @ForAll @IntRange(min = 1, max = 300) int count,
      @ForAll int rawBits)
      throws IOException {
    Stars stars = Samples.stars(count, rawBits);
    float any = Float.intBitsToFloat(rawBits);
    stars.sky()[0] = any;
    Path folder = Files.createTempDirectory("sources");
    Path file = folder.resolve("s.parquet");
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file.toUri());
    Configuration hadoop = new Configuration(false);
    Magnitudes magnitudes = Magnitudes.of(stars, 1, Double.NaN);
    try (SourcesWriter writer = new SourcesWriter(path, hadoop, "zstd", 2)) {
      writer.write(exposureId, stars, null, null, magnitudes.mag(), magnitudes.magErr());
    }

    try (ParquetReader<Group> reader =
        ParquetReader.builder(new GroupReadSupport(), path).withConf(hadoop).build()) {
      for (int i = 0; i < count; i++) {
        Group row = reader.read();
        assertThat(row.getLong("source_id", 0)).isEqualTo(SourceId.of(exposureId, i));
        assertThat(row.getFloat("x", 0)).isEqualTo((float) stars.x()[i]);
        assertThat(row.getFloat("flux", 0)).isEqualTo(stars.flux()[i]);
        assertThat(row.getInteger("flags", 0)).isEqualTo(stars.flags()[i]);
        assertThat(row.getInteger("pass", 0)).isEqualTo(stars.pass()[i]);
        assertThat(row.getFieldRepetitionCount("ra")).isZero();
        float sky = stars.sky()[i];
        if (Float.isNaN(sky)) {
          assertThat(row.getFieldRepetitionCount("sky")).isZero();
        } else {
          assertThat(Float.floatToRawIntBits(row.getFloat("sky", 0)))
              .isEqualTo(Float.floatToRawIntBits(sky));
        }
      }
      assertThat(reader.read()).isNull();
    } finally {
      try (var left = Files.list(folder)) {
        for (Path each : left.toList()) {
          Files.delete(each);
        }
      }
      Files.delete(folder);
    }
  }
}
