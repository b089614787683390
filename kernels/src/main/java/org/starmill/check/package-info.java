/**
 * Checks and times the kernels on a machine that has nothing but this jar and Aparapi.
 *
 * <p>{@link org.starmill.check.GpuCheck} is the program that {@code deploy/gpu-check.sh} packs.
 */
package org.starmill.check;
