package org.starmill.trace;

import java.io.Serializable;

/**
 * Where spans are drawn.
 *
 * @param process such as an executor
 * @param core one of its task slots, or a thread
 */
public record Track(String process, String core) implements Serializable {}
