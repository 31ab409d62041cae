/**
 * JSON text of a value in pieces, iterables as arrays. Like JSON.stringify for plain data: undefined members are left
 * out, undefined items and numbers that JSON does not have become null. Only arrays and iterables are split.
 */
export function* jsonPieces(value: unknown): Generator<string> {
  if (isIterable(value)) yield* arrayPieces(value);
  else if (isPlainObject(value)) yield* objectPieces(value);
  else yield value === undefined ? "null" : JSON.stringify(value);
}

function* arrayPieces(items: Iterable<unknown>): Generator<string> {
  let separator = "[";
  for (const item of items) {
    yield separator;
    yield* jsonPieces(item);
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

function* objectPieces(object: Readonly<Record<string, unknown>>): Generator<string> {
  let separator = "{";
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue;
    yield `${separator}${JSON.stringify(name)}:`;
    yield* jsonPieces(value);
    separator = ",";
  }
  yield separator === "{" ? "{}" : "}";
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value;

const isPlainObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
