/** Reads the text of keepalived's .data files, and ours, into blocks of fields. */

/** A virtual router, a script, a virtual server: `VRRP Instance = VI_1`, and its fields by their titles. */
export interface Block {
  readonly title: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Blocks that begin with a line `TITLE = NAME` whose TITLE is one of `titles`, in order. A field is a line `NAME = VALUE`, or a
 * line that ends in a colon and the deeper lines below it, joined by `; `. A block ends before the next one, and at `------<`.
 */
export function readBlocks(text: string, titles: readonly string[]): readonly Block[] {
  const blocks: { title: string; fields: Map<string, string> }[] = [];
  let list: { name: string; indent: number } | undefined;
  let open = false;
  for (const line of text.split("\n")) {
    const indent = line.length - line.trimStart().length;
    const [, name, value] = /^\s*(.+?) = (.*)$/.exec(line) ?? [];
    if (name !== undefined && titles.includes(name)) {
      blocks.push({ title: `${name} = ${value}`, fields: new Map() });
      open = true;
      list = undefined;
      continue;
    }
    if (/^\s*------</.test(line)) open = false;
    const fields = blocks.at(-1)?.fields;
    if (!open || fields === undefined) continue;
    if (list !== undefined && indent > list.indent) {
      const items = fields.get(list.name) ?? "";
      fields.set(list.name, items === "" ? line.trim() : `${items}; ${line.trim()}`);
      continue;
    }
    list = undefined;
    // `Virtual IP (2):` - how many there are is seen from the items.
    const [, title] = /^\s*(.+?)(?: \(\d+\))? ?:$/.exec(line) ?? [];
    if (title !== undefined) list = { name: title, indent };
    else if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  return blocks;
}

/** Fields of a section `------< NAME >------` that has no blocks. */
export function readSection(text: string, section: string): ReadonlyMap<string, string> {
  const [, rest = ""] = text.split(`------< ${section} >------\n`);
  const [own = ""] = rest.split("------<");
  return readBlocks(`section = ${section}\n${own}`, ["section"])[0]?.fields ?? new Map();
}

/** What a dump says, by `BLOCK: FIELD`. */
export type Meaning = ReadonlyMap<string, string>;

/** The fields of a block that are compared. */
export function chosen(
  block: string,
  fields: ReadonlyMap<string, string>,
  names: readonly string[],
): readonly (readonly [string, string])[] {
  return names.flatMap((name) => {
    const value = fields.get(name);
    return value === undefined ? [] : [[`${block}: ${name}`, withoutLife(value)] as const];
  });
}

/** An owner is master at once, and has its addresses; 2.2.7 prints the limits of a peer's TTL where none are set. */
const withoutLife = (value: string): string =>
  value.replace(/ set(?=;|$)/g, "").replaceAll(" min_ttl 0 max_ttl 255", "");

/** Fields that only one side has, or that have another value, with both values. */
export function differing(keepalived: Meaning, holdfast: Meaning): Readonly<Record<string, readonly string[]>> {
  const keys = [...new Set([...keepalived.keys(), ...holdfast.keys()])];
  const different = keys.filter((key) => keepalived.get(key) !== holdfast.get(key));
  return Object.fromEntries(
    different.map((key) => [
      key,
      [`keepalived: ${keepalived.get(key) ?? "-"}`, `holdfast: ${holdfast.get(key) ?? "-"}`],
    ]),
  );
}
