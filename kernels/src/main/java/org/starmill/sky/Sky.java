package org.starmill.sky;

/**
 * The sky of an image: its level in every pixel and the mesh it was drawn from.
 *
 * @param level electrons, a value a pixel, row-major
 * @param medianLevel electrons, median over the mesh
 * @param medianNoise electrons, standard deviation of a pixel of empty sky, median over the mesh
 * @param meshLevel electrons, a value a box, row-major, after filling and filtering
 * @param meshNoise electrons, standard deviation of a pixel in each box, filled and filtered
 * @param columns boxes in a row of the mesh
 * @param rows rows of the mesh
 */
public record Sky(
    float[] level,
    double medianLevel,
    double medianNoise,
    float[] meshLevel,
    float[] meshNoise,
    int columns,
    int rows) {}
