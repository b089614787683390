package org.starmill.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.starmill.image.ImageRejected;

/** Frames on a real HDFS: one name node and two data nodes in this process. */
@Tag("full")
class HdfsTest {

  @Test
  void aFrameOnHdfsIsReadAsFromADisk(@TempDir Path folder) throws Exception {
    Configuration hadoop = new Configuration();
    hadoop.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
    hadoop.setInt("dfs.blocksize", 1 << 20);
    hadoop.setInt("dfs.namenode.fs-limits.min-block-size", 1 << 10);
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(hadoop).numDataNodes(2).build();
    try {
      cluster.waitActive();
      float[] pixels = new float[1500 * 1000]; // 6 MB: several blocks
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = i % 977;
      }
      short[] counts = new short[1500 * 1000];
      counts[1234567] = 7;
      String path = cluster.getURI() + "/masters/2026-01-31/bias.fits";
      FitsWriter writer = new FitsWriter(hadoop);
      FrameReader reader = new FrameReader(hadoop);
      for (int run = 1; run <= 2; run++) { // the second replaces the first
        writer.write(
            path,
            Map.of("RUN", run),
            List.of(
                new FitsExtension("LEVEL", pixels, 1500, 1000),
                new FitsExtension("COUNT", counts, 1500, 1000)));
      }
      assertThat(reader.scan(path)).extracting(ImageHdu::hdu).containsExactly(1, 2);
      FitsImage level = reader.read(path, 1);
      assertThat(level.pixels()).isEqualTo(pixels);
      assertThat(level.header().number("RUN")).hasValue(2);
      assertThat(reader.readNamed(path, "COUNT").pixels()[1234567]).isEqualTo(7);

      FileSystem hdfs = cluster.getFileSystem();
      org.apache.hadoop.fs.Path plain = new org.apache.hadoop.fs.Path(path);
      assertThat(hdfs.listStatus(plain.getParent())).hasSize(1);
      org.apache.hadoop.fs.Path packed = new org.apache.hadoop.fs.Path("/frames/bias.fits.gz");
      byte[] bytes = new byte[(int) hdfs.getFileStatus(plain).getLen()];
      try (var in = hdfs.open(plain)) {
        in.readFully(bytes);
      }
      try (OutputStream out = new GZIPOutputStream(hdfs.create(packed))) {
        out.write(bytes);
      }
      String packedPath = cluster.getURI() + packed.toString();
      assertThat(reader.read(packedPath, 1).pixels()).isEqualTo(pixels);
      assertThatThrownBy(() -> reader.scan(cluster.getURI() + "/frames/absent.fits"))
          .isInstanceOf(ImageRejected.class)
          .hasMessageContaining("/frames/absent.fits: no such file");
    } finally {
      cluster.shutdown();
    }
  }
}
