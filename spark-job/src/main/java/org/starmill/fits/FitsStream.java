package org.starmill.fits;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.z.ZCompressorInputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The bytes of a FITS file, read forward, unwrapped where it lies inside gzip, bzip2 or compress.
 *
 * <p>The first bytes tell the wrapping, not the name. A plain file is skipped over by seeking; a
 * wrapped one has to be unpacked up to the place.
 */
final class FitsStream implements Closeable {
  private static final int BUFFER = 1 << 16;

  private final FSDataInputStream file;
  private final long fileLength;
  private final EndSeen raw;
  private final InputStream unwrapped;
  private long position;

  private FitsStream(FSDataInputStream file, long fileLength, EndSeen raw, InputStream unwrapped) {
    this.file = file;
    this.fileLength = fileLength;
    this.raw = raw;
    this.unwrapped = unwrapped;
  }

  static FitsStream open(FileSystem fileSystem, Path path) throws IOException {
    long length = fileSystem.getFileStatus(path).getLen();
    FSDataInputStream file = fileSystem.open(path);
    try {
      byte[] magic = new byte[3];
      file.readNBytes(magic, 0, 3);
      file.seek(0);
      int first = magic[0] & 0xff;
      int second = magic[1] & 0xff;
      EndSeen raw = new EndSeen(file);
      InputStream packed = new BufferedInputStream(raw, BUFFER);
      InputStream unwrapped = null;
      try {
        if (first == 0x1f && second == 0x8b) {
          unwrapped = new GZIPInputStream(packed, BUFFER);
        } else if (first == 'B' && second == 'Z' && magic[2] == 'h') {
          unwrapped = new BZip2CompressorInputStream(packed, true);
        } else if (first == 0x1f && second == 0x9d) {
          unwrapped = new ZCompressorInputStream(packed);
        }
      } catch (IOException | RuntimeException broken) {
        throw brokenPacking(raw, broken);
      }
      return new FitsStream(
          file, length, raw, unwrapped == null ? null : new BufferedInputStream(unwrapped, BUFFER));
    } catch (IOException | RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  /** Whether the file lies inside gzip, bzip2 or compress, so that its true length is unknown. */
  boolean wrapped() {
    return unwrapped != null;
  }

  /** Bytes from here to the end of the file; as many as can be where the file is wrapped. */
  long remaining() {
    return wrapped() ? Long.MAX_VALUE : fileLength - position;
  }

  /** Fills the array as far as the file goes and returns the number of bytes read. */
  int readBlock(byte[] into) throws IOException {
    return readBlock(into, into.length);
  }

  int readBlock(byte[] into, int length) throws IOException {
    int count = wrapped() ? readWrapped(into, length) : file.readNBytes(into, 0, length);
    position += count;
    return count;
  }

  private int readWrapped(byte[] into, int length) throws IOException {
    try {
      return unwrapped.readNBytes(into, 0, length);
    } catch (IOException | RuntimeException broken) {
      throw brokenPacking(raw, broken);
    }
  }

  /** Goes on by so many bytes; false where the file ends before. */
  boolean skip(long bytes) throws IOException {
    if (!wrapped()) {
      if (bytes > remaining()) {
        return false;
      }
      position += bytes;
      file.seek(position);
      return true;
    }
    try {
      unwrapped.skipNBytes(bytes);
    } catch (EOFException end) {
      return false;
    } catch (IOException | RuntimeException broken) {
      throw brokenPacking(raw, broken);
    }
    position += bytes;
    return true;
  }

  /**
   * Tells a packed file that was cut from one that is damaged: each unpacker has its own words for
   * it, but only of a cut file has everything been read.
   */
  private static IOException brokenPacking(EndSeen raw, Exception broken) {
    if (raw.endSeen) {
      EOFException end = new EOFException("the packed file ends too early: " + broken.getMessage());
      end.initCause(broken);
      return end;
    }
    return new IOException("the packed file is damaged: " + broken.getMessage(), broken);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** Notes when the end of the file has been reached. */
  private static final class EndSeen extends FilterInputStream {
    private boolean endSeen;

    EndSeen(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      endSeen |= value < 0;
      return value;
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
      int count = super.read(into, from, length);
      endSeen |= count < 0;
      return count;
    }
  }
}
