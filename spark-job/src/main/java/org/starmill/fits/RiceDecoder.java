package org.starmill.fits;

/**
 * Unpacks RICE_1: differences of neighbouring pixels, folded to be positive, split into a unary
 * high part and a binary low part whose length is chosen anew for each block.
 *
 * <p>FITS Standard 4.0, section 10.4.1; Rice, Yeh and Miller 1993, JPL Publication 91-3.
 */
final class RiceDecoder {
  private final byte[] bytes;
  private final int end;
  private int next;
  private long window;
  private int bits;

  /** Reads the bytes from {@code start} up to {@code end}. */
  RiceDecoder(byte[] bytes, int start, int end) {
    this.bytes = bytes;
    this.next = start;
    this.end = end;
  }

  /**
   * Fills {@code pixels[0..count)}.
   *
   * @param bytesPerPixel 1 (unsigned), 2 or 4 (signed)
   * @param blockSize pixels a block
   * @throws IllegalStateException if the bytes end before the pixels do
   */
  void decode(int[] pixels, int count, int bytesPerPixel, int blockSize) {
    int lengthBits = bytesPerPixel == 1 ? 3 : bytesPerPixel == 2 ? 4 : 5;
    int longest = bytesPerPixel == 1 ? 6 : bytesPerPixel == 2 ? 14 : 25;
    int width = 8 * bytesPerPixel;
    int last = take(width);
    for (int from = 0; from < count; from += blockSize) {
      int to = Math.min(from + blockSize, count);
      int low = take(lengthBits) - 1;
      for (int i = from; i < to; i++) {
        if (low >= 0) {
          int folded = low == longest ? take(width) : (zeros() << low) | take(low);
          last += (folded >>> 1) ^ -(folded & 1);
        }
        pixels[i] =
            switch (bytesPerPixel) {
              case 1 -> last & 0xff;
              case 2 -> (short) last;
              default -> last;
            };
      }
    }
  }

  /** The next bits, at most 32, the first one highest. */
  private int take(int count) {
    if (count == 0) {
      return 0;
    }
    fill(count);
    bits -= count;
    return (int) (window >>> bits & (1L << count) - 1);
  }

  /** Counts zeros up to the next one, which is passed over. */
  private int zeros() {
    int zeros = 0;
    while (true) {
      fill(1);
      long open = window & (1L << bits) - 1;
      if (open == 0) {
        zeros += bits;
        bits = 0;
      } else {
        int leading = Long.numberOfLeadingZeros(open) - (64 - bits);
        bits -= leading + 1;
        return zeros + leading;
      }
    }
  }

  private void fill(int needed) {
    while (bits < needed || bits <= 24 && next < end) {
      if (next >= end) {
        throw new IllegalStateException("the packed bytes end too early");
      }
      window = window << 8 | bytes[next++] & 0xff;
      bits += 8;
    }
  }
}
