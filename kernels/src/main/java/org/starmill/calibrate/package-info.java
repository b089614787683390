/**
 * From raw ADU to electrons: masters are built from many frames, then every frame is calibrated
 * with them.
 *
 * <pre>{@code
 * MasterBuilder builder = new MasterBuilder(device, MasterSettings.DEFAULT);
 * Master bias = builder.bias(biasFrames);
 * Master flat = builder.flat(flatFrames, bias);
 * Image image = new Calibration(device, 4).calibrate(frame, new Masters(bias, flat));
 * }</pre>
 */
package org.starmill.calibrate;
