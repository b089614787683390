package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Test;
import org.starmill.instrument.ImageType;

class LocalityTest {
  private static int questions;

  /** Keeps a file on the machines that its name tells, joined by dots. */
  public static final class Placing extends RawLocalFileSystem {
    @Override
    public URI getUri() {
      return URI.create("placing:///");
    }

    @Override
    protected void checkPath(Path path) {
      // Any path will do.
    }

    @Override
    public synchronized BlockLocation[] getFileBlockLocations(Path path, long start, long length) {
      questions++;
      String[] hosts = path.getName().split("[.]");
      return new BlockLocation[] {new BlockLocation(hosts, hosts, 0, length)};
    }
  }

  private static List<List<String>> hosts(List<List<String>> shares) {
    questions = 0;
    Configuration hadoop = new Configuration();
    hadoop.set("fs.placing.impl", Placing.class.getName());
    hadoop.setBoolean("fs.placing.impl.disable.cache", true);
    return new Locality(hadoop)
        .of(shares.stream().map(share -> share.stream().map(LocalityTest::item).toList()).toList());
  }

  private static WorkItem item(String name) {
    return new WorkItem(
        new PlannedFrame(
            7,
            "placing:///" + name,
            0,
            1000,
            ImageType.SCIENCE,
            "2024-05-12",
            "3",
            "1",
            "r",
            10,
            10,
            null,
            null,
            null,
            null,
            null,
            null,
            null),
        null,
        null,
        null,
        null);
  }

  @Test
  void aShareIsBestDoneWhereMostOfItIsKept() {
    assertThat(
            hosts(
                List.of(
                    List.of("red.blue", "blue.green", "red.blue.green.grey", "blue"),
                    List.of("grey"))))
        .containsExactly(List.of("blue", "green", "red"), List.of("grey"));
  }

  @Test
  void aMosaicIsAskedForOnceAndADiskThatKnowsNoMachineIsNotAskedAgain() {
    assertThat(hosts(List.of(List.of("red", "red", "red")))).containsExactly(List.of("red"));
    assertThat(questions).isEqualTo(1);
    List<List<String>> shares = List.of(Stream.of("localhost", "red", "blue").toList());
    assertThat(hosts(shares)).containsExactly(List.of());
    assertThat(questions).isEqualTo(1);
  }
}
