/** Field-name spellings of Envoy's JSON form: snake_case as in the protos, camelCase as protobuf prints them. */

/** `http_filters` → `httpFilters`, as a type. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** `http_filters` → `httpFilters`; a name without underscores comes back unchanged. */
export function camelCase(name: string): string {
  return name.replace(/_+([^_])/g, (_, next: string) => next.toUpperCase());
}

/** `httpFilters` → `http_filters`; a snake_case name comes back unchanged. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The key under which `name` is written in `map`, whichever of the two spellings was used. */
export function writtenKey(map: object, name: string): string | undefined {
  if (Object.hasOwn(map, name)) return name;
  const wanted = camelCase(name);
  return Object.keys(map).find((key) => camelCase(key) === wanted);
}
