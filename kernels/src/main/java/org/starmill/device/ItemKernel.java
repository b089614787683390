package org.starmill.device;

import com.aparapi.Kernel;

/**
 * A step of the way, one source for every device: the same work for each of a number of items (a
 * row, a star, a box of the sky mesh).
 *
 * <p>A subclass holds its arrays and numbers in fields and does the work of one item in {@link
 * #item}. On an OpenCL device Aparapi translates {@link #run}; the Java device calls {@link #item}
 * in a loop of its own. What the translation does not take (break, switch, array initialisers,
 * boolean fields, fields named half, kernel, local, global or constant) must not be in a subclass.
 */
public abstract class ItemKernel extends Kernel {
  /** Number of items; the global range is padded, so that an item beyond it does nothing. */
  protected int items;

  /**
   * Does the work of one item.
   *
   * @param item from 0 to the number of items less one
   */
  public abstract void item(int item);

  @Override
  public void run() {
    int item = getGlobalId();
    if (item < items) {
      item(item);
    }
  }

  void setItems(int count) {
    items = count;
  }
}
