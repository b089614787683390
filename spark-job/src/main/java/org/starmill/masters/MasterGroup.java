package org.starmill.masters;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * The frames that one master is built of.
 *
 * @param kind bias or flat
 * @param night that the frames are of; null where they are of several nights, or it is not known
 * @param amplifier that read them
 * @param filter of a flat; null for a bias
 * @param frames in the order of the plan
 * @param bias what a flat's frames are freed of their bias with; null for a bias
 */
public record MasterGroup(
    MasterKind kind,
    String night,
    Amplifier amplifier,
    String filter,
    List<CalibrationFrame> frames,
    MasterGroup bias)
    implements Serializable {

  public MasterGroup {
    frames = List.copyOf(frames);
  }

  /**
   * A name that two masters share only if they are the same: a hash of the frames, the settings and
   * the bias.
   *
   * @param configurationHash of the settings that masters depend on
   */
  public String identity(String configurationHash) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    add(digest, kind.name());
    add(digest, configurationHash);
    add(digest, amplifier.toString());
    for (CalibrationFrame frame : frames) {
      add(digest, frame.path() + " " + frame.hdu() + " " + frame.fileLength());
    }
    if (bias != null) {
      add(digest, bias.identity(configurationHash));
    }
    return kind.name().toLowerCase(Locale.ROOT)
        + "-"
        + HexFormat.of().formatHex(digest.digest(), 0, 8);
  }

  private static void add(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }
}
