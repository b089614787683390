package org.starmill.publish;

import java.util.List;

/**
 * What a publication has done.
 *
 * @param name of the catalog
 * @param output its folder
 * @param publication its number, from 1; that of the one before where there was nothing to do
 * @param finishedEarlier whether an earlier publication had to be finished first
 * @param campaigns what each campaign has brought
 * @param rows of the whole catalog
 * @param pixels files of the whole catalog
 * @param pixelsWritten files that are new or written anew
 * @param pixelsRemoved files that are no more
 * @param order of the smallest pixel
 * @param maxRows of a file, unless its pixel is of the highest order
 * @param largestPixel rows of the fullest file
 * @param metadata whether dataset/_metadata is there: not for more files than a reader could hold
 * @param seconds wall time
 */
public record PublishSummary(
    String name,
    String output,
    int publication,
    boolean finishedEarlier,
    List<Part> campaigns,
    long rows,
    int pixels,
    int pixelsWritten,
    int pixelsRemoved,
    int order,
    long maxRows,
    long largestPixel,
    boolean metadata,
    double seconds) {

  /**
   * What a campaign has brought.
   *
   * @param campaign its name
   * @param batches new ones
   * @param batchesBefore that were published already
   * @param batchesReplaced that were published in another shape, or are no more
   * @param images measured ones of the new batches
   * @param rows that were added
   * @param withoutPosition stars that were left out: no celestial coordinates
   */
  public record Part(
      String campaign,
      int batches,
      int batchesBefore,
      int batchesReplaced,
      long images,
      long rows,
      long withoutPosition) {}
}
