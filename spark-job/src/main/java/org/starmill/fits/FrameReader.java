package org.starmill.fits;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.starmill.image.ImageRejected;
import org.starmill.trace.Trace;

/**
 * Reads the images of FITS files from any file system that Hadoop knows.
 *
 * <p>Headers and plain pixels are read here; tile-compressed images (.fits.fz) are unpacked by
 * nom-tam-fits; gzip, bzip2 and compress around a file are seen by its first bytes, whatever its
 * name. Images of two axes are read, in the primary HDU or any extension; further axes of length 1
 * are dropped. Checksums are not verified: many files in archives carry stale ones.
 *
 * <p>What is wrong with a file is an {@link ImageRejected} with one of four reasons: "unreadable"
 * (absent, no FITS, damaged), "truncated" (shorter than its headers announce), "no image" (tables
 * only, or no pixel), "unsupported" (cubes, random groups, more than 2^28 pixels). Nothing is
 * allocated on a header's word: an announced size is checked against the file first. Safe for use
 * by many threads.
 */
public final class FrameReader {
  private static final int CHUNK = 1 << 18;
  private static final int FIRST_PIXELS_OF_A_WRAPPED_FILE = 1 << 22;

  private final Configuration hadoop;

  public FrameReader(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Lists the images of a file from its headers; decodes no pixel.
   *
   * <p>Of a plain file only the headers are read, the data are sought over. An image whose data are
   * cut off is listed, too: reading it says so.
   *
   * @param path a path or URI as Hadoop takes it
   * @return at least one image, in the order of the file
   * @throws ImageRejected if the file cannot be read or holds no image
   */
  public List<ImageHdu> scan(String path) {
    return reading(
        path,
        in -> {
          List<ImageHdu> images = new ArrayList<>();
          ImageRejected why = null;
          int hdus = 0;
          Optional<HduHeader> primary = Optional.empty();
          for (int hdu = 0; ; hdu++) {
            Optional<HduHeader> next = HduHeader.read(in, path, hdu);
            if (next.isEmpty()) {
              break;
            }
            hdus++;
            HduHeader header = next.get();
            boolean listed = false;
            try {
              int[] size = header.imageSize();
              images.add(new ImageHdu(hdu, size[0], size[1], header.imageHeader(primary)));
              listed = true;
            } catch (ImageRejected refused) {
              // "The primary has no axes" is said only if no extension has more to tell.
              if (why == null || !refused.reason().equals("no image")) {
                why = refused;
              }
            }
            primary = primary.or(() -> next);
            long data = header.dataBytes();
            if (!skipData(in, data, listed)) {
              if (listed) {
                break;
              }
              // An absurd size is worse than the missing end that follows from it.
              throw images.isEmpty() && why != null && why.reason().equals("unsupported")
                  ? why
                  : truncated(header, data);
            }
          }
          if (images.isEmpty()) {
            throw why == null || why.reason().equals("no image") && hdus > 1
                ? noImage(path, hdus)
                : why;
          }
          return List.copyOf(images);
        });
  }

  private static boolean skipData(FitsStream in, long data, boolean listed) throws IOException {
    try {
      boolean whole = in.skip(data);
      if (whole) {
        skipFilling(in, data);
      }
      return whole;
    } catch (IOException broken) {
      if (listed) { // reading the image will say what is wrong with it
        return false;
      }
      throw broken;
    }
  }

  /** The last block's filling may be missing at the end of a file; nothing is lost with it. */
  private static void skipFilling(FitsStream in, long data) throws IOException {
    long filling = (HduHeader.BLOCK - data % HduHeader.BLOCK) % HduHeader.BLOCK;
    in.skip(Math.min(filling, in.remaining()));
  }

  /**
   * Reads one image.
   *
   * @param path a path or URI as Hadoop takes it
   * @param hdu place of the image as {@link #scan} gives it
   * @throws ImageRejected if the file or this HDU cannot be read, is cut off or is no image
   */
  public FitsImage read(String path, int hdu) {
    return first(path, "HDU " + hdu, header -> header.hdu() == hdu);
  }

  /**
   * Reads the first image whose EXTNAME is the given one.
   *
   * @throws ImageRejected as {@link #read}; "no image" where no HDU has that name
   */
  public FitsImage readNamed(String path, String extname) {
    return first(
        path,
        "extension named " + extname,
        header -> header.text("EXTNAME", "").equalsIgnoreCase(extname));
  }

  private FitsImage first(String path, String what, Predicate<HduHeader> wanted) {
    return reading(
        path,
        in -> {
          Optional<HduHeader> primary = Optional.empty();
          for (int at = 0; ; at++) {
            HduHeader header = HduHeader.read(in, path, at).orElseThrow(() -> absent(path, what));
            if (wanted.test(header)) {
              return image(in, header, primary);
            }
            primary = primary.or(() -> Optional.of(header));
            passOver(in, header);
          }
        });
  }

  private static void passOver(FitsStream in, HduHeader header) throws IOException {
    long data = header.dataBytes();
    if (!in.skip(data)) {
      throw truncated(header, data);
    }
    skipFilling(in, data);
  }

  private static ImageRejected noImage(String path, int hdus) {
    return new ImageRejected(
        "no image",
        "%s: found %d HDUs, none of which holds an image of two axes; expected one; leave the file out of the input"
            .formatted(path, hdus));
  }

  private static ImageRejected absent(String path, String what) {
    return new ImageRejected(
        "no image",
        "%s: found no %s, expected one; list the file's images with plan".formatted(path, what));
  }

  private static ImageRejected truncated(HduHeader header, long data) {
    return new ImageRejected(
        "truncated",
        "%s, HDU %d: the file ends inside the data, expected %d bytes of them; fetch the file again"
            .formatted(header.path(), header.hdu(), data));
  }

  private static FitsImage image(FitsStream in, HduHeader header, Optional<HduHeader> primary)
      throws IOException {
    int[] size = header.imageSize();
    long data = header.dataBytes();
    if (data > in.remaining()) {
      throw truncated(header, data);
    }
    PixelScale scale = PixelScale.of(header);
    int count = size[0] * size[1];
    float[] pixels =
        header.tileCompressed()
            ? tiles(in, header, data, scale)
            : plain(in, header, data, scale, count);
    return new FitsImage(pixels, size[0], size[1], header.imageHeader(primary));
  }

  private static float[] tiles(FitsStream in, HduHeader header, long data, PixelScale scale)
      throws IOException {
    if (data > Integer.MAX_VALUE - HduHeader.BLOCK) {
      throw new ImageRejected(
          "unsupported",
          "%s, HDU %d: found %d bytes of compressed tiles, expected less than 2 GB; split the image"
              .formatted(header.path(), header.hdu(), data));
    }
    byte[] bytes = new byte[(int) Math.min(data, in.wrapped() ? CHUNK : data)];
    int got = 0;
    byte[] chunk = new byte[CHUNK];
    while (got < data) {
      int more = in.readBlock(chunk, (int) Math.min(CHUNK, data - got));
      if (more == 0) {
        throw truncated(header, data);
      }
      if (got + more > bytes.length) {
        bytes = Arrays.copyOf(bytes, (int) Math.min(data, 2L * (got + more)));
      }
      System.arraycopy(chunk, 0, bytes, got, more);
      got += more;
    }
    try (Trace.Open decode = Trace.step("decode")) {
      return TileCompression.decode(header, bytes, scale);
    }
  }

  private static float[] plain(
      FitsStream in, HduHeader header, long data, PixelScale scale, int count) throws IOException {
    int bitpix = header.imageBitpix();
    int unit = Math.abs(bitpix) / 8;
    // The size of a wrapped file is the header's word only: the array grows with what comes.
    float[] pixels =
        new float[in.wrapped() ? Math.min(count, FIRST_PIXELS_OF_A_WRAPPED_FILE) : count];
    byte[] chunk = new byte[CHUNK];
    int done = 0;
    while (done < count) {
      int wanted = (int) Math.min(CHUNK, (long) (count - done) * unit);
      if (in.readBlock(chunk, wanted) < wanted) {
        throw truncated(header, data);
      }
      int values = wanted / unit;
      if (done + values > pixels.length) {
        pixels = Arrays.copyOf(pixels, (int) Math.min(count, 2L * pixels.length));
      }
      convert(ByteBuffer.wrap(chunk), bitpix, scale, pixels, done, values);
      done += values;
    }
    return pixels;
  }

  private static void convert(
      ByteBuffer stored, int bitpix, PixelScale scale, float[] pixels, int from, int count) {
    switch (bitpix) {
      case 8 -> {
        for (int i = 0; i < count; i++) {
          pixels[from + i] = scale.physical((long) (stored.get(i) & 0xff));
        }
      }
      case 16 -> {
        for (int i = 0; i < count; i++) {
          pixels[from + i] = scale.physical((long) stored.getShort(2 * i));
        }
      }
      case 32 -> {
        for (int i = 0; i < count; i++) {
          pixels[from + i] = scale.physical((long) stored.getInt(4 * i));
        }
      }
      case 64 -> {
        for (int i = 0; i < count; i++) {
          pixels[from + i] = scale.physical(stored.getLong(8 * i));
        }
      }
      case -32 -> {
        if (scale.identity()) {
          stored.asFloatBuffer().get(pixels, from, count);
        } else {
          for (int i = 0; i < count; i++) {
            pixels[from + i] = scale.physical((double) stored.getFloat(4 * i));
          }
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          pixels[from + i] = scale.physical(stored.getDouble(8 * i));
        }
      }
    }
  }

  private interface Reading<T> {
    T from(FitsStream in) throws IOException;
  }

  private <T> T reading(String path, Reading<T> reading) {
    try (FitsStream in = open(path)) {
      return reading.from(in);
    } catch (InterruptedIOException | ClosedByInterruptException stopped) {
      // The task was told to stop; that says nothing of the file.
      throw new UncheckedIOException(stopped);
    } catch (EOFException end) {
      throw new ImageRejected(
          "truncated", "%s: %s; fetch the file again".formatted(path, end.getMessage()));
    } catch (FileNotFoundException missing) {
      throw new ImageRejected(
          "unreadable", "%s: no such file; expected a FITS file there".formatted(path));
    } catch (IOException broken) {
      throw new ImageRejected(
          "unreadable",
          "%s: reading failed (%s); see that the file can be read and fetch it again"
              .formatted(path, broken.getMessage() == null ? broken : broken.getMessage()));
    }
  }

  private FitsStream open(String path) throws IOException {
    Path place;
    try {
      place = new Path(path);
    } catch (IllegalArgumentException noPath) {
      throw new IOException("no path: " + noPath.getMessage(), noPath);
    }
    FileSystem fileSystem = place.getFileSystem(hadoop);
    if (fileSystem instanceof LocalFileSystem local) {
      // Without Hadoop's .crc files: another program may have rewritten the frame beside an old
      // one.
      fileSystem = local.getRawFileSystem();
    }
    return FitsStream.open(fileSystem, place);
  }
}
