/**
 * What kernels run on: one source a step, on an OpenCL device through Aparapi or on threads of the
 * JVM.
 *
 * <p>{@link org.starmill.device.Devices} lists and opens devices; {@link
 * org.starmill.device.Device} runs an {@link org.starmill.device.ItemKernel}. Nothing falls back in
 * silence: a device that fails is a {@link org.starmill.device.DeviceException}.
 */
package org.starmill.device;
