interface User {
  readonly name: string;
  readonly group?: string;
  readonly groups?: readonly number[];
}

/** User and group as a script line has them. */
export const userWords = ({ name, group, groups }: User): readonly string[] =>
  group === undefined ? [name] : [name, groups === undefined ? group : `:${group}`];

/** Writes keepalived.conf text: one statement per line, blocks indented by four blanks. */
export class ConfWriter {
  readonly #lines: string[] = [];
  #depth = 0;

  /** `words` are quoted where they need it; undefined ones are left out, and so is a line that ends before its value. */
  line(keyword: string, ...words: readonly (string | number | undefined)[]): void {
    this.#lines.push("    ".repeat(this.#depth) + [keyword, ...given(words)].join(" "));
  }

  /** Nothing when `value` is undefined. */
  setting(keyword: string, value: string | number | undefined, ...more: readonly (string | number)[]): void {
    if (value !== undefined) this.line(keyword, value, ...more);
  }

  /** The word alone, when it is on. */
  flag(keyword: string, on: boolean): void {
    if (on) this.line(keyword);
  }

  onOff(keyword: string, on: boolean | undefined): void {
    if (on !== undefined) this.line(keyword, on ? "on" : "off");
  }

  block(keyword: string, header: readonly (string | number | undefined)[], body: () => void): void {
    this.line(keyword, ...header);
    this.#lines.push(`${this.#lines.pop() ?? ""} {`);
    this.#depth++;
    body();
    this.#depth--;
    this.#lines.push(`${"    ".repeat(this.#depth)}}`);
  }

  /** A block of lines; nothing when there are none. Each entry is a list of words. */
  list(keyword: string, entries: readonly (readonly (string | number | undefined)[])[]): void {
    if (entries.length === 0) return;
    this.block(keyword, [], () => {
      for (const [first, ...rest] of entries) this.line(quoted(String(first ?? "")), ...rest);
    });
  }

  /** `"command with 'quoted arguments'" user group` as script lines have it. */
  script(keyword: string, script: { readonly argv: readonly string[]; readonly user: User } | undefined): void {
    if (script === undefined) return;
    const command = script.argv.map(argument).join(" ");
    this.#lines.push(`${"    ".repeat(this.#depth)}${keyword} "${command}" ${userWords(script.user).join(" ")}`);
  }

  /** A command without user, for `misc_path`. */
  command(keyword: string, argv: readonly string[]): void {
    this.#lines.push(`${"    ".repeat(this.#depth)}${keyword} "${argv.map(argument).join(" ")}"`);
  }

  /** One word for a keyword that carries out escapes (`regex`). */
  escaped(keyword: string, word: string): void {
    // A quote would end the word, and `$` might begin a name: as numbers they do neither.
    const number = (c: string): string => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`;
    const safe = word.replace(/["$\\]|\p{Cc}/gu, (c) => (c === "\\" ? "\\\\" : number(c)));
    this.#lines.push(`${"    ".repeat(this.#depth)}${keyword} "${safe}"`);
  }

  /** A line between blocks. */
  gap(): void {
    if (this.#lines.length > 0 && this.#lines.at(-1) !== "") this.#lines.push("");
  }

  toString(): string {
    return this.#lines.length === 0 ? "" : `${this.#lines.join("\n").trimEnd()}\n`;
  }
}

const given = (words: readonly (string | number | undefined)[]): readonly string[] =>
  words.filter((word) => word !== undefined).map((word) => quoted(String(word)));

/** A word that would be split, or begin a comment or a block, stands in double quotes. */
const quoted = (word: string): string => (word !== "" && !/[\s"{}#!]/.test(word) ? word : `"${word}"`);

/** One argument inside a quoted command. Escapes are carried out twice (script-line.ts), so they have two backslashes. */
const argument = (word: string): string =>
  word === ""
    ? "''"
    : word.replace(
        /[^A-Za-z0-9_@%+=:,./\u0080-\uffff-]/g,
        (c) => `\\\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`,
      );
