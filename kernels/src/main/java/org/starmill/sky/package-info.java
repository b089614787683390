/**
 * The light between the stars: its level and noise on a mesh of boxes, and its level in every
 * pixel.
 */
package org.starmill.sky;
