package org.starmill.masters;

/** What a master is of. */
public enum MasterKind {
  BIAS,
  FLAT
}
