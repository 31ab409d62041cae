import type { ConfigHost } from "./ports.js";

export interface IncludeMatch {
  readonly files: readonly string[];
  /** The name holds wildcards or alternatives. */
  readonly wild: boolean;
}

/** How many names `{a,b}{c,d}...` may stand for; more are cut off. */
const MOST_ALTERNATIVES = 1000;

/** Existing files that `pattern` names, relative to `directory`: each alternative's matches in the order of glob(7). */
export function includeFiles(pattern: string, directory: string, host: ConfigHost): IncludeMatch {
  const wild = /[*?[{]/.test(pattern);
  const files = alternatives(pattern).flatMap((name) => matches(absolute(name, directory), host));
  return { files: [...new Set(files)], wild };
}

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
  for (const part of path.split("/").slice(1)) {
    if (!/[*?[]/.test(part)) {
      found = found.map((parent) => `${parent}/${part}`);
      continue;
    }
    const wanted = globTokens(part);
    const fits = (name: string): boolean =>
      globMatches(wanted, name) && (part.startsWith(".") || !name.startsWith("."));
    found = found.flatMap((parent) =>
      [...host.list(parent === "" ? "/" : parent)]
        .filter(fits)
        .sort((a, b) => (a < b ? -1 : 1))
        .map((name) => `${parent}/${name}`),
    );
  }
  return found.filter((file) => host.stat(file) !== undefined);
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
  const characters = [...name];
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
