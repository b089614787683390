package org.starmill.campaign;

import java.util.List;
import org.starmill.config.CampaignConfig;
import org.starmill.instrument.Instrument;

/**
 * What a campaign is to reduce, where to, and how.
 *
 * @param inputs folders, patterns or files; empty to go on with the frames planned already
 * @param output folder of the campaign
 * @param campaignId its name; null for that of the folder
 * @param config all settings
 * @param instrument the camera
 */
public record CampaignRequest(
    List<String> inputs,
    String output,
    String campaignId,
    CampaignConfig config,
    Instrument instrument) {

  public CampaignRequest {
    inputs = List.copyOf(inputs);
  }
}
