package org.starmill.cli;

import java.util.ArrayList;
import java.util.List;
import org.starmill.campaign.Campaign;
import org.starmill.campaign.CampaignStatus;
import org.starmill.campaign.CostEstimate;
import org.starmill.campaign.MastersStatus;
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
    if (plan.groupCount() > plan.groups().size()) {
      text.append(
          "and %s more lines%n".formatted(number(plan.groupCount() - plan.groups().size())));
    }
    text.append("%n%s frames planned%n".formatted(number(plan.frames())));
    for (PlanSummary.Unusable unusable : plan.unusable()) {
      text.append("cannot be used: %s%n".formatted(unusable.reason()));
    }
    if (plan.unusableFrames() > plan.unusable().size()) {
      text.append(
          "cannot be used: %s more frames%n"
              .formatted(number(plan.unusableFrames() - plan.unusable().size())));
    }
    text.append(uncalibrated(plan));
    if (plan.estimate() != null) {
      text.append(System.lineSeparator()).append(of(plan.estimate()));
    }
    return text.toString();
  }

  private static String of(CostEstimate estimate) {
    StringBuilder text = new StringBuilder();
    text.append(
        "to be measured: %s images, %s of files, %s megapixels%n"
            .formatted(
                number(estimate.images()),
                bytes(estimate.bytes()),
                number(Math.round(estimate.megapixels()))));
    text.append(
        "expected: %s stars (%s), a catalog of %s%n"
            .formatted(
                number(Math.round(estimate.stars())),
                estimate.measuredImages() > 0
                    ? "as on the %s images measured so far"
                        .formatted(number(estimate.measuredImages()))
                    : "by cost.stars-megapixel",
                bytes(estimate.outputBytes())));
    for (CostEstimate.Cost cost : estimate.costs()) {
      text.append(
          String.format(
              java.util.Locale.ROOT,
              "expected on %s: %s %s hours%n",
              cost.device(),
              cost.coreHours() < 100
                  ? String.format(java.util.Locale.ROOT, "%.2f", cost.coreHours())
                  : number(Math.round(cost.coreHours())),
              cost.device().equals("gpu") ? "GPU" : "core"));
    }
    return text.toString();
  }

  private static String bytes(double bytes) {
    String[] units = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    int unit = 0;
    double value = bytes;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(
        java.util.Locale.ROOT,
        unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s",
        value,
        units[unit]);
  }

  private static String uncalibrated(PlanSummary plan) {
    if (plan.isCalibrated()) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    text.append(
        "%n%s science frames have no bias frames, %s others no flat frames:%n"
            .formatted(number(plan.withoutBias()), number(plan.withoutFlat())));
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"night", "ccd", "quadrant", "filter", "frames", "will be", "reason"});
    long listed = 0;
    for (PlanSummary.Uncalibrated group : plan.uncalibrated()) {
      rows.add(
          new String[] {
            group.night(),
            group.ccd(),
            group.quadrant(),
            group.filter(),
            number(group.frames()),
            group.status(),
            group.reason()
          });
      listed += group.frames();
    }
    text.append(columns(rows));
    long others = plan.withoutBias() + plan.withoutFlat() - listed;
    if (others > 0) {
      text.append("and %s more frames%n".formatted(number(others)));
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
    text.append(of(status.masters()));
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

  private static String of(MastersStatus masters) {
    if (masters.all() == 0) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    text.append(
        "%s masters built, %s of bias and %s of flat frames; %s could not be, %s with a warning%n"
            .formatted(
                number(masters.biases() + masters.flats()),
                number(masters.biases()),
                number(masters.flats()),
                number(masters.notBuilt()),
                number(masters.warnings())));
    for (MastersStatus.Odd odd : masters.odd()) {
      text.append(
          odd.warning() != null
              ? "warning: %s%n".formatted(odd.warning())
              : "not built: master %s of ccd %s, quadrant %s%s, %s: %s%n"
                  .formatted(
                      odd.kind(),
                      odd.ccd(),
                      odd.quadrant(),
                      odd.filter() == null ? "" : ", filter " + odd.filter(),
                      odd.night() == null ? "several nights" : odd.night(),
                      odd.reason()));
    }
    long others = masters.warnings() + masters.notBuilt() - masters.odd().size();
    if (others > 0) {
      text.append("and %s more masters to be looked at%n".formatted(number(others)));
    }
    if (masters.list() != null) {
      text.append(System.lineSeparator()).append(lines(masters));
    }
    return text.toString();
  }

  private static String lines(MastersStatus masters) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "master",
          "night",
          "ccd",
          "quadrant",
          "filter",
          "frames",
          "left out",
          "clipped",
          "level",
          "noise",
          "change",
          "scatter",
          "changed pixels",
          ""
        });
    for (MastersStatus.Line line : masters.list()) {
      rows.add(
          new String[] {
            line.kind(),
            line.night() == null ? "several" : line.night(),
            text(line.ccd()),
            text(line.quadrant()),
            text(line.filter()),
            number(line.frames()),
            number(line.rejected()),
            line.clipped() == null ? "-" : number(line.clipped()),
            decimal(line.level(), "%.3f"),
            decimal(line.noise(), line.kind().equals("bias") ? "%.3f" : "%.5f"),
            decimal(line.changeLevel(), line.kind().equals("bias") ? "%+.3f" : "%+.5f"),
            decimal(line.changeScatter(), "%.2f"),
            line.changedShare() == null
                ? "-"
                : String.format(java.util.Locale.ROOT, "%.4f %%", 100 * line.changedShare()),
            line.warning() ? "warning" : ""
          });
    }
    StringBuilder text = new StringBuilder(columns(rows));
    long others = masters.all() - masters.list().size();
    if (others > 0) {
      text.append("and %s more masters%n".formatted(number(others)));
    }
    return text.toString();
  }

  private static String decimal(Double value, String format) {
    return value == null ? "-" : String.format(java.util.Locale.ROOT, format, value);
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
