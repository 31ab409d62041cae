import { readFileSync } from "node:fs";

/** A golden file: comments, `name: value` lines that are the input, and annotated hex that is the output. */
export interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** @throws RangeError when the file has no such line */
  field(name: string): string;
}

export function readGolden(name: string): Golden {
  const url = new URL(`../../../test/golden/vrrp/${name}.txt`, import.meta.url);
  const lines = readFileSync(url, "utf8").split("\n");
  const fields = new Map<string, string>();
  const hex: string[] = [];
  for (const line of lines) {
    const [, key, value] = /^(\w+): (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
    else hex.push(line.replace(/#.*/, "").replaceAll(/\s/g, ""));
  }
  return {
    name,
    bytes: Uint8Array.from(Buffer.from(hex.join(""), "hex")),
    field(key) {
      const value = fields.get(key);
      if (value === undefined) throw new RangeError(`${name} has no line ${key}`);
      return value;
    },
  };
}
