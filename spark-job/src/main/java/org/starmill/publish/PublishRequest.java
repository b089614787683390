package org.starmill.publish;

import java.util.List;

/**
 * What is to be published, and where.
 *
 * @param inputs folders of campaigns
 * @param output folder of the catalog: new, empty, or one that was published before
 * @param name of the catalog; null for that of the catalog there, else the folder's name
 * @param maxRows rows of a file above which its pixel is cut in four; null for what the catalog has
 *     had so far, else {@link #DEFAULT_MAX_ROWS}
 * @param maxOrder order of the smallest pixels; null for what the catalog has, else {@link
 *     #DEFAULT_MAX_ORDER}
 */
public record PublishRequest(
    List<String> inputs, String output, String name, Long maxRows, Integer maxOrder) {
  public static final long DEFAULT_MAX_ROWS = 1_000_000;
  public static final int DEFAULT_MAX_ORDER = 10;

  /** Rows are counted in pixels of the highest order: twelve times four to its power. */
  public static final int HIGHEST_MAX_ORDER = 13;

  public PublishRequest {
    inputs = List.copyOf(inputs);
  }
}
