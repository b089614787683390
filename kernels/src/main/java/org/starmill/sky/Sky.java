package org.starmill.sky;

/**
 * The sky of an image on the mesh it was measured on; {@link SkyMesh} draws it in every pixel.
 *
 * @param medianLevel electrons, median over the mesh
 * @param medianNoise electrons, standard deviation of a pixel of empty sky, median over the mesh
 * @param meshLevel electrons, a value a box, row-major, after filling and filtering
 * @param meshNoise electrons, standard deviation of a pixel in each box, filled and filtered
 * @param columns boxes in a row of the mesh
 * @param rows rows of the mesh
 * @param width columns of the image
 * @param height rows of the image
 */
public record Sky(
    double medianLevel,
    double medianNoise,
    float[] meshLevel,
    float[] meshNoise,
    int columns,
    int rows,
    int width,
    int height) {}
