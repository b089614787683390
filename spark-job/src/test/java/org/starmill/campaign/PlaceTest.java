package org.starmill.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A file comes into its place over a former one, whole or not at all. */
class PlaceTest {
  @TempDir Path folder;

  private static org.apache.hadoop.fs.Path at(String store, Path file) {
    return new org.apache.hadoop.fs.Path(store + ":" + file);
  }

  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void aFileIsMovedOverAFormerOneAlsoWhereAStoreRenamesOverNothing(String store)
      throws IOException {
    Path former = Files.writeString(folder.resolve("stars"), "former");
    Path next = Files.writeString(folder.resolve("next"), "new");
    FileSystem files = at(store, folder).getFileSystem(WatchedFileSystem.configuration());
    Place.move(files, at(store, next), at(store, former));
    assertThat(former).hasContent("new");
    assertThat(next).doesNotExist();
    assertThatThrownBy(() -> Place.move(files, at(store, next), at(store, folder)))
        .isInstanceOf(IOException.class);
    assertThat(former).hasContent("new");
  }

  @ParameterizedTest
  @ValueSource(strings = {WatchedFileSystem.DISK, WatchedFileSystem.STORE})
  void whatFailsWhileItIsWrittenLeavesTheFormerFile(String store) throws IOException {
    Path former = Files.writeString(folder.resolve("stars"), "former");
    FileSystem files = at(store, folder).getFileSystem(WatchedFileSystem.configuration());
    Place place = new Place(files, at(store, folder));
    assertThatThrownBy(
            () ->
                place.put(
                    at(store, former),
                    at(store, folder.resolve("draft")),
                    out -> {
                      out.write(new byte[1 << 16]);
                      throw new IOException("the source was cut off");
                    }))
        .hasMessageContaining("cut off");
    assertThat(former).hasContent("former");
  }
}
