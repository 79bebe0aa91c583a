/** JSON in pieces, for answers that are too large to be made in one go. */

/** How deep pieces are cut; below that an element is printed as a whole, unless it holds a long list. */
const CUT_DEPTH = 4;

/** Elements of a list that is not long. */
const FEW = 32;

/**
 * `value` as `JSON.stringify(value, undefined, 1)` prints it, ended by a line feed and cut between the elements of its
 * lists. Iterables that are no arrays are lists, whose elements are asked for one after the other.
 */
export function* jsonPieces(value: object): Generator<string, void, undefined> {
  yield* pieces(value, 0);
  yield '\n';
}

function* pieces(value: unknown, depth: number): Generator<string, void, undefined> {
  if (isList(value)) yield* listPieces(value, depth);
  else if (typeof value !== 'object' || value === null) yield whole(value, depth);
  else if (depth >= CUT_DEPTH && !Object.values(value).some(isLong)) yield whole(value, depth);
  else yield* objectPieces(value, depth);
}

function* objectPieces(value: object, depth: number): Generator<string, void, undefined> {
  let separator = '{';
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    yield `${separator}\n${' '.repeat(depth + 1)}${JSON.stringify(key)}: `;
    yield* pieces(item, depth + 1);
    separator = ',';
  }
  yield separator === '{' ? '{}' : `\n${' '.repeat(depth)}}`;
}

function* listPieces(value: Iterable<unknown>, depth: number): Generator<string, void, undefined> {
  let separator = '[';
  for (const item of value) {
    yield `${separator}\n${' '.repeat(depth + 1)}`;
    yield* pieces(item, depth + 1);
    separator = ',';
  }
  yield separator === '[' ? '[]' : `\n${' '.repeat(depth)}]`;
}

function whole(value: unknown, depth: number): string {
  return JSON.stringify(value, undefined, 1).replaceAll('\n', `\n${' '.repeat(depth)}`);
}

/** Nobody knows how long an iterable is. */
function isLong(value: unknown): boolean {
  return isList(value) && !(Array.isArray(value) && value.length <= FEW);
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
