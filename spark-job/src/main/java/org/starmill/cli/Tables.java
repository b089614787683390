package org.starmill.cli;

import java.util.ArrayList;
import java.util.List;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignStatus;
import org.starmill.campaign.PlanSummary;

/** Writes results for people: columns of text, numbers to the right. */
final class Tables {
  private Tables() {}

  static String of(PlanSummary plan) {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"night", "ccd", "quadrant", "filter", "type", "size", "frames"});
    for (PlanSummary.Group group : plan.groups()) {
      rows.add(
          new String[] {
            text(group.night()),
            text(group.ccd()),
            text(group.quadrant()),
            text(group.filter()),
            text(group.imageType()),
            group.width() + " x " + group.height(),
            number(group.frames())
          });
    }
    StringBuilder text = new StringBuilder(columns(rows));
    text.append("%n%s frames planned%n".formatted(number(plan.frames())));
    for (PlanSummary.Unusable unusable : plan.unusable()) {
      text.append("cannot be used: %s%n".formatted(unusable.reason()));
    }
    return text.toString();
  }

  static String of(CampaignStatus status) {
    StringBuilder text = new StringBuilder();
    text.append(
        "campaign %s, instrument %s, configuration %s, version %s%n"
            .formatted(
                status.campaign().id(),
                status.campaign().instrument(),
                status.campaign().configurationHash(),
                status.campaign().version()));
    for (Campaign.Former former : status.former()) {
      text.append(
          "some images may be of configuration %s, version %s%n"
              .formatted(former.configurationHash(), former.version()));
    }
    if (status.unfinishedBatches() > 0) {
      text.append(
          "%d batches are measured and not in their places yet; the next run puts them there%n"
              .formatted(status.unfinishedBatches()));
    }
    text.append(
        "%s frames planned, %s in masters, %s ok, %s partial, %s failed, %s not used, %s to do; %s stars%n"
            .formatted(
                number(status.planned()),
                number(status.inMasters()),
                number(status.images("ok")),
                number(status.images("partial")),
                number(status.failedImages()),
                number(status.images("not used")),
                number(status.left()),
                number(status.stars())));
    if (!status.groups().isEmpty()) {
      List<String[]> rows = new ArrayList<>();
      rows.add(new String[] {"night", "filter", "status", "images", "stars"});
      for (CampaignStatus.Group group : status.groups()) {
        rows.add(
            new String[] {
              text(group.night()),
              text(group.filter()),
              group.status(),
              number(group.images()),
              number(group.stars())
            });
      }
      text.append(System.lineSeparator()).append(columns(rows));
    }
    if (!status.reasons().isEmpty()) {
      List<String[]> rows = new ArrayList<>();
      rows.add(new String[] {"reason", "status", "images"});
      for (CampaignStatus.Reason reason : status.reasons()) {
        rows.add(new String[] {reason.code(), reason.status(), number(reason.images())});
      }
      text.append(System.lineSeparator()).append(columns(rows)).append(System.lineSeparator());
      for (CampaignStatus.Failure failure : status.failures()) {
        text.append(
            "%s%s: %s: %s%n"
                .formatted(
                    failure.path(),
                    failure.hdu() > 0 ? "[" + failure.hdu() + "]" : "",
                    failure.status(),
                    failure.reason()));
      }
    }
    return text.toString();
  }

  private static String text(String value) {
    return value == null ? "-" : value;
  }

  private static String number(long value) {
    return String.format(java.util.Locale.ROOT, "%,d", value);
  }

  /** Lays rows out in columns; a column whose second row begins with a digit ends flush right. */
  static String columns(List<String[]> rows) {
    int[] widths = new int[rows.get(0).length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        boolean last = i >= row.length - 1;
        String padding = " ".repeat(widths[i] - row[i].length());
        boolean flushRight = rows.size() > 1 && rows.get(1)[i].matches("[0-9][0-9,.]*");
        line.append(flushRight ? padding + row[i] : row[i] + (last ? "" : padding));
        line.append(last ? "" : "  ");
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
