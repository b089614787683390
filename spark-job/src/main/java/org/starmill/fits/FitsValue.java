package org.starmill.fits;

/**
 * A keyword's value with a comment, which stands behind it where the card has room.
 *
 * @param value String, Number or Boolean
 * @param comment what it is, its unit first, as "[adu] median of LEVEL"
 */
public record FitsValue(Object value, String comment) {}
