package org.starmill.device;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;

/** The fields that a kernel's own classes give it, looked at from outside. */
final class KernelFields {
  private KernelFields() {}

  /** All fields of a kernel's class and of those above it, up to {@link ItemKernel}. */
  static List<Field> of(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    for (Class<?> at = type; at != ItemKernel.class && at != null; at = at.getSuperclass()) {
      for (Field field : at.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
          field.setAccessible(true);
          fields.add(field);
        }
      }
    }
    return fields;
  }

  static Object valueOf(Field field, ItemKernel kernel) {
    try {
      return field.get(kernel);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  static void set(Field field, ItemKernel kernel, Object value) {
    try {
      field.set(kernel, value);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether both are arrays of the same kind and length. */
  static boolean sameSize(Object one, Object other) {
    return one != null
        && other != null
        && one.getClass().isArray()
        && one.getClass() == other.getClass()
        && Array.getLength(one) == Array.getLength(other);
  }

  static int lengthOf(Object array) {
    return Array.getLength(array);
  }

  /** Bytes of an array's elements; 0 for what is no array of numbers. */
  static long bytesOf(Object value) {
    if (value == null || !value.getClass().isArray()) {
      return 0;
    }
    Class<?> element = value.getClass().getComponentType();
    int size = 4;
    if (element == double.class || element == long.class) {
      size = 8;
    } else if (element == short.class || element == char.class) {
      size = 2;
    } else if (element == byte.class || element == boolean.class) {
      size = 1;
    }
    return element.isPrimitive() ? (long) size * Array.getLength(value) : 0;
  }
}
