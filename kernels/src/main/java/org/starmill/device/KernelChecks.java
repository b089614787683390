package org.starmill.device;

import java.util.List;

/**
 * The checks of one package's kernels, found by {@link java.util.ServiceLoader}: the kernels
 * themselves are nobody else's to see.
 */
public interface KernelChecks {
  /** A check for each kernel of the package. */
  List<KernelCheck<?>> checks();
}
