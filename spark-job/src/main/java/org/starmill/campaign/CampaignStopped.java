package org.starmill.campaign;

/**
 * Says why a campaign cannot go on just now, although nothing is wrong with its frames or settings:
 * a full disk, a store that cannot be reached, a run that has taken the folder over.
 *
 * <p>The message is one line with the remedy; what counted before counts still. The command line
 * shows it and ends with exit code 1.
 */
public final class CampaignStopped extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CampaignStopped(String message) {
    super(message);
  }

  public CampaignStopped(String message, Throwable cause) {
    super(message, cause);
  }
}
