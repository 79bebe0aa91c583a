/** Deep freezing of finished configuration. */

/**
 * Freezes a tree of plain objects, arrays and resolved extensions; what belongs to others (definitions, byte arrays,
 * class instances made by extension schemas) is left as it is.
 */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const [key, part] of Object.entries(value)) {
    if (key !== 'definition' && isData(part)) deepFreeze(part);
  }
  return value;
}

function isData(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || 'definition' in value;
}
