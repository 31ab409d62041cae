import type { IncludeCheck } from "./include-control.js";
import type { ConfigHost } from "./ports.js";

/** How many names `{a,b}{c,d}...` may stand for; more are cut off. */
const MOST_ALTERNATIVES = 1000;

export interface Found {
  readonly files: readonly string[];
  /** Undefined: every alternative has a file. `checks`: any of these makes it an error. */
  readonly problem: { readonly checks: readonly IncludeCheck[]; readonly message: string } | undefined;
}

/** Existing files that `pattern` names, relative to `directory`: each alternative's matches in the order of glob(7). */
export const includedFiles = (pattern: string, directory: string, host: ConfigHost): readonly string[] =>
  findIncluded(pattern, directory, host).files;

/** The same with what is missing. */
export function findIncluded(pattern: string, directory: string, host: ConfigHost): Found {
  const names = alternatives(pattern);
  const found = names.map((name) => matches(absolute(name, directory), host));
  const files = found.length === 1 ? (found[0] ?? []) : [...new Set(found.flat())];
  const missed = names.find((_, i) => found[i]?.length === 0);
  return { files, problem: missed === undefined ? undefined : problemOf(pattern, missed, names.length, files.length) };
}

function problemOf(pattern: string, missed: string, alternatives: number, files: number): Found["problem"] {
  if (isWild(missed)) return { checks: ["wildcard_match"], message: `No config files matched '${pattern}'.` };
  if (files > 0) return { checks: ["brace_match"], message: `Some config files missing: '${pattern}'.` };
  const checks: readonly IncludeCheck[] = alternatives > 1 ? ["match", "brace_match"] : ["match"];
  return { checks, message: `Config files missing '${pattern}'.` };
}

const isWild = (name: string): boolean => /[*?[]/.test(name);

const absolute = (name: string, directory: string): string =>
  name.startsWith("/") ? name : `${directory.replace(/\/$/, "")}/${name}`;

/** Expands `{a,b}` from left to right; nested braces too, as a shell does. A lone brace stands for itself. */
function alternatives(pattern: string): readonly string[] {
  const done: string[] = [];
  const todo = [pattern];
  while (todo.length > 0 && done.length + todo.length <= MOST_ALTERNATIVES) {
    const name = todo.shift() ?? "";
    const braces = innermostList(name);
    if (braces === undefined) {
      done.push(name);
      continue;
    }
    const [open, close] = braces;
    const items = name.slice(open + 1, close).split(",");
    todo.unshift(...items.map((item) => name.slice(0, open) + item + name.slice(close + 1)));
  }
  return done;
}

/** Offsets of the first `{` and `}` that hold a comma and no other brace. */
function innermostList(name: string): readonly [number, number] | undefined {
  let open = -1;
  let comma = false;
  for (let i = 0; i < name.length; i++) {
    const c = name[i];
    if (c === "{") {
      open = i;
      comma = false;
    } else if (c === ",") comma = true;
    else if (c === "}") {
      if (open !== -1 && comma) return [open, i];
      open = -1;
    }
  }
  return undefined;
}

/** `path` is absolute. Hidden names match only a pattern that begins with a dot. */
function matches(path: string, host: ConfigHost): readonly string[] {
  let found = [""];
  let certain = false;
  for (const part of path.split("/").slice(1)) {
    certain = isWild(part);
    if (!certain) {
      found = found.map((parent) => `${parent}/${part}`);
      continue;
    }
    const wanted = globTokens(part);
    const fits = (name: string): boolean =>
      (part.startsWith(".") || !name.startsWith(".")) && globMatches(wanted, name);
    found = found.flatMap((parent) =>
      host
        .list(parent === "" ? "/" : parent)
        .filter(fits)
        .sort((a, b) => (a < b ? -1 : 1))
        .map((name) => `${parent}/${name}`),
    );
  }
  // Names that a directory has listed need no second look.
  return certain ? found : found.filter((file) => host.stat(file) !== undefined);
}

/** One character of a name each; `undefined` is `*`. */
type GlobToken = ((character: string) => boolean) | undefined;

function globTokens(part: string): readonly GlobToken[] {
  const tokens = part.match(/\[!?[^\]]+\]|\*+|[\s\S]/gu) ?? [];
  return tokens.map((token): GlobToken => {
    if (token.startsWith("*")) return undefined;
    if (token === "?") return () => true;
    return token.length > 2 && token.startsWith("[") ? characterSet(token) : (character) => character === token;
  });
}

/** `[a-z]`, `[!a-z]`. A range like [z-a] makes the set match nothing. */
function characterSet(token: string): (character: string) => boolean {
  const [, negated, set = ""] = /^\[(!?)([^\]]+)\]$/.exec(token) ?? [];
  try {
    const pattern = new RegExp(`^[${negated === "!" ? "^" : ""}${set.replace(/[\\^\][]/g, "\\$&")}]$`, "su");
    return (character) => pattern.test(character);
  } catch {
    return () => false;
  }
}

/** In time tokens x characters at most, whatever the pattern: on a mismatch only the last `*` takes one more. */
function globMatches(tokens: readonly GlobToken[], name: string): boolean {
  const characters = /[\ud800-\udfff]/.test(name) ? [...name] : name.split(""); // spreading thousands of names is slow
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const wanted = tokens[token];
    if (token < tokens.length && wanted === undefined) {
      star = token++;
      starAt = at;
    } else if (wanted?.(characters[at] ?? "") === true) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === undefined);
}
