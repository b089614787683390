package org.starmill.catalog;

/**
 * Names a star uniquely in a campaign.
 *
 * <p>The image's number in the upper 39 bits below the sign and the star's position among those of
 * its image in the lower 24: room for 550 billion images of 16 million stars.
 */
public final class SourceId {
  private static final int INDEX_BITS = 24;

  /** Exposure numbers are below this. */
  public static final long EXPOSURE_LIMIT = 1L << (63 - INDEX_BITS);

  /** Stars of one image are fewer than this. */
  public static final int STAR_LIMIT = 1 << INDEX_BITS;

  private SourceId() {}

  /**
   * The name of a star.
   *
   * @throws IllegalArgumentException where either number is out of its range
   */
  public static long of(long exposureId, int index) {
    if (exposureId < 0 || exposureId >= EXPOSURE_LIMIT || index < 0 || index >= STAR_LIMIT) {
      throw new IllegalArgumentException(
          "star %d of exposure %d: expected a star from 0 to %d and an exposure from 0 to %d"
              .formatted(index, exposureId, STAR_LIMIT - 1, EXPOSURE_LIMIT - 1));
    }
    return exposureId << INDEX_BITS | index;
  }

  /** The image a star belongs to. */
  public static long exposureId(long sourceId) {
    return sourceId >>> INDEX_BITS;
  }

  /** The star's position among those of its image. */
  public static int index(long sourceId) {
    return (int) (sourceId & (STAR_LIMIT - 1));
  }
}
