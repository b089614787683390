package org.starmill.masters;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.starmill.config.CampaignConfig;

/**
 * Chooses the frames that an image's masters are built of.
 *
 * <p>It takes the frames of the image's own night where they are enough, else those of the nearest
 * night that has enough (of two equally near, the earlier); where no night has, those of all nights
 * together. Nights further away than the settings allow are not looked at, and of nights that are
 * no dates only the own one is near. The choice depends on the frames and the night alone, so that
 * it is the same in every run.
 */
public final class MasterChoice {
  private record Kin(MasterKind kind, Amplifier amplifier, String filter) {}

  private final Map<Kin, TreeMap<String, List<CalibrationFrame>>> byNight = new LinkedHashMap<>();
  private final Map<List<Object>, Optional<MasterGroup>> chosen = new LinkedHashMap<>();
  private final CampaignConfig.MasterSettings settings;

  /**
   * Makes a choice among the given frames.
   *
   * @param frames in the order they are to be taken
   * @param settings how many frames are enough, and how many are too many: of those the first are
   *     taken; how many nights away they may be
   */
  public MasterChoice(Collection<CalibrationFrame> frames, CampaignConfig.MasterSettings settings) {
    this.settings = settings;
    for (CalibrationFrame frame : frames) {
      byNight
          .computeIfAbsent(
              new Kin(frame.kind(), frame.amplifier(), frame.filter()), kin -> new TreeMap<>())
          .computeIfAbsent(frame.night(), n -> new ArrayList<>())
          .add(frame);
    }
  }

  /** The frames for the master bias of an image; empty where there are not enough. */
  public Optional<MasterGroup> bias(Amplifier amplifier, String night) {
    return choose(MasterKind.BIAS, amplifier, null, night, settings.minBiasFrames());
  }

  /**
   * The frames for the master flat of an image; empty where there are not enough, or no bias for
   * them.
   */
  public Optional<MasterGroup> flat(Amplifier amplifier, String filter, String night) {
    return choose(MasterKind.FLAT, amplifier, filter, night, settings.minFlatFrames())
        .flatMap(
            flat ->
                bias(amplifier, flat.night() == null ? night : flat.night())
                    .map(
                        bias ->
                            new MasterGroup(
                                MasterKind.FLAT,
                                flat.night(),
                                amplifier,
                                filter,
                                flat.frames(),
                                bias)));
  }

  /** Whether there are flat frames near enough, be they enough or not. */
  public boolean hasFlatFrames(Amplifier amplifier, String filter, String night) {
    return !near(new Kin(MasterKind.FLAT, amplifier, filter), night).isEmpty();
  }

  private Optional<MasterGroup> choose(
      MasterKind kind, Amplifier amplifier, String filter, String night, int fewest) {
    List<Object> need = new ArrayList<>();
    need.add(kind);
    need.add(amplifier);
    need.add(filter);
    need.add(night);
    return chosen.computeIfAbsent(
        need, n -> search(new Kin(kind, amplifier, filter), night, fewest));
  }

  private Optional<MasterGroup> search(Kin kin, String night, int fewest) {
    List<CalibrationFrame> own = byNight.getOrDefault(kin, new TreeMap<>()).get(night);
    if (own != null && own.size() >= fewest) {
      return Optional.of(
          new MasterGroup(kin.kind(), night, kin.amplifier(), kin.filter(), first(own), null));
    }
    TreeMap<String, List<CalibrationFrame>> nights = near(kin, night);
    Optional<Map.Entry<String, List<CalibrationFrame>>> nearest =
        nights.entrySet().stream()
            .filter(entry -> entry.getValue().size() >= fewest)
            .min(
                Comparator.comparingLong(
                        (Map.Entry<String, List<CalibrationFrame>> entry) ->
                            days(entry.getKey(), night))
                    .thenComparing(Map.Entry::getKey));
    if (nearest.isPresent()) {
      String of = nearest.get().getKey();
      return Optional.of(
          new MasterGroup(
              kin.kind(),
              of,
              kin.amplifier(),
              kin.filter(),
              first(nearest.get().getValue()),
              null));
    }
    List<CalibrationFrame> all = nights.values().stream().flatMap(List::stream).toList();
    return all.size() < fewest
        ? Optional.empty()
        : Optional.of(
            new MasterGroup(kin.kind(), null, kin.amplifier(), kin.filter(), first(all), null));
  }

  /** The nights whose frames may serve. */
  private TreeMap<String, List<CalibrationFrame>> near(Kin kin, String night) {
    TreeMap<String, List<CalibrationFrame>> nights = byNight.getOrDefault(kin, new TreeMap<>());
    if (!settings.hasFarthestNight()) {
      return nights;
    }
    TreeMap<String, List<CalibrationFrame>> near = new TreeMap<>();
    nights.forEach(
        (other, frames) -> {
          if (days(other, night) <= settings.farthestNight()) {
            near.put(other, frames);
          }
        });
    return near;
  }

  private List<CalibrationFrame> first(List<CalibrationFrame> frames) {
    return frames.subList(0, Math.min(frames.size(), settings.maxFrames()));
  }

  /** Days between two nights; those that are no dates are equal or as far apart as can be. */
  private static long days(String one, String other) {
    if (one.equals(other)) {
      return 0;
    }
    try {
      return Math.abs(ChronoUnit.DAYS.between(LocalDate.parse(one), LocalDate.parse(other)));
    } catch (DateTimeParseException notDates) {
      return Long.MAX_VALUE;
    }
  }
}
