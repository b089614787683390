package org.starmill.campaign;

import java.util.List;

/**
 * Which images a run takes on.
 *
 * @param retry tries images again that have a row: "failed", "partial", or the code of a reason;
 *     empty to measure those that have none
 * @param limit most frames that get a row
 * @param changesAllowed whether the campaign may have been begun with another configuration or
 *     version of Starmill
 */
public record RunScope(List<String> retry, long limit, boolean changesAllowed) {
  /** Everything that is left. */
  public static final RunScope ALL = new RunScope(List.of(), Long.MAX_VALUE, false);

  public RunScope {
    retry = List.copyOf(retry);
  }
}
