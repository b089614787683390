package org.starmill.campaign;

/** Names the version of this software, as the manifest of its jar has it. */
public final class SoftwareVersion {
  /** The version; "development" for classes that stand in no jar. */
  public static final String NAME = of(SoftwareVersion.class.getPackage());

  private SoftwareVersion() {}

  private static String of(Package home) {
    String version = home.getImplementationVersion();
    return version == null ? "development" : version;
  }
}
