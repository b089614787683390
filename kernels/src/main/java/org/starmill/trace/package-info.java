/**
 * What was done when: spans of time on tracks, for ui.perfetto.dev and chrome://tracing.
 *
 * <p>{@link org.starmill.trace.Trace} opens spans wherever work is done, {@link
 * org.starmill.trace.Recording} keeps those of one thread, {@link org.starmill.trace.TraceFile}
 * writes them. Where nothing is recorded a span costs the reading of one field.
 */
package org.starmill.trace;
