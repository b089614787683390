package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalDiskTest {
  @TempDir Path folder;

  private static void write(FileSystem disk, Path below) throws IOException {
    Configuration hadoop = new Configuration(false);
    hadoop.set("fs.permissions.umask-mode", "027");
    disk.initialize(URI.create("file:///"), hadoop);
    var file = new org.apache.hadoop.fs.Path(below + "/made/file");
    disk.mkdirs(file.getParent(), new FsPermission("1775"));
    disk.create(file, true).close();
    var told = new org.apache.hadoop.fs.Path(below + "/told");
    disk.create(told, true).close();
    disk.setPermission(told, new FsPermission("640"));
  }

  private static int mode(Path file) throws IOException {
    return (int) Files.getAttribute(file, "unix:mode") & 07777;
  }

  @Test
  void filesAndFoldersHaveThePermissionsThatHadoopGivesThem() throws IOException {
    assumeTrue(FileSystems.getDefault().supportedFileAttributeViews().contains("unix"));
    Path ours = Files.createDirectory(folder.resolve("ours"));
    Path hadoops = Files.createDirectory(folder.resolve("hadoops"));
    write(new LocalDisk(), ours);
    write(new LocalFileSystem(), hadoops);
    for (String name : new String[] {"made", "made/file", "told"}) {
      assertThat(mode(ours.resolve(name))).as(name).isEqualTo(mode(hadoops.resolve(name)));
    }
    assertThat(mode(ours.resolve("told"))).isEqualTo(0640);
  }

  @Test
  void aFileThatIsNotThereIsNamed() throws IOException {
    LocalDisk disk = new LocalDisk();
    disk.initialize(URI.create("file:///"), new Configuration(false));
    assertThatThrownBy(
            () ->
                disk.setPermission(
                    new org.apache.hadoop.fs.Path(folder + "/absent"), new FsPermission("640")))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining("absent");
  }
}
