import type { Keyword, Scope } from "../config/keyword.js";

/** Where the cursor is: found from the text before it, so that half-written statements are no obstacle. */
export interface CursorPlace {
  /** Names of the blocks around the cursor, outermost first. */
  readonly path: readonly string[];
  /** Finished words of the statement before the cursor. */
  readonly words: readonly string[];
  /** The word being written, up to the cursor; empty after a blank. */
  readonly prefix: string;
  readonly inComment: boolean;
  /** In front of a definition or an include there is nothing to complete. */
  readonly special: "definition" | "include" | undefined;
}

/** `before`: all text up to the cursor. */
export function placeAt(before: string): CursorPlace {
  const path: string[] = [];
  let words: string[] = [];
  let inComment = false;
  let special: CursorPlace["special"];
  let prefix = "";
  /** The first word of the statement before, for a `{` at the beginning of the next line. */
  let openBlock: string | undefined;
  for (const line of before.split("\n")) {
    words = [];
    prefix = "";
    inComment = false;
    special = specialLine(line);
    if (special !== undefined) continue;
    const tokens = line.replace(/^\s*@\S+\s+/, "").matchAll(/"[^"]*"?|[#!].*|[{}]|[^\s"{}#!]+|\s+/gs);
    let block: string | undefined;
    for (const [token] of tokens) {
      prefix = "";
      if (/^[#!]/.test(token)) inComment = true;
      else if (token === "{") {
        path.push(block ?? openBlock ?? "");
        words = [];
      } else if (token === "}") {
        path.pop();
        words = [];
      } else if (token.trim() !== "") {
        words.push(token.replaceAll('"', ""));
        prefix = token;
      }
      block = words[0];
    }
    if (words[0] !== undefined) openBlock = words[0];
  }
  if (prefix !== "") words.pop();
  return { path, words, prefix: prefix.replaceAll('"', ""), inComment, special };
}

function specialLine(line: string): CursorPlace["special"] {
  if (/^\s*(?:@\S+\s+)?\$[A-Za-z_]\w*=/.test(line)) return "definition";
  return /^\s*(?:@\S+\s+)?include[rmwba]?\s/.test(line) ? "include" : undefined;
}

/** What may stand in the block at `path`; undefined where the tables know no such block. */
export function scopeOf(root: Scope<never>, path: readonly string[]): Scope<never> | undefined {
  let scope: Scope<never> | undefined = root;
  for (const name of path) {
    const keyword: Keyword<never> | undefined = Object.hasOwn(scope.keywords, name) ? scope.keywords[name] : undefined;
    if (keyword?.kind !== "block") return undefined;
    scope = keyword.body as Scope<never>;
  }
  return scope;
}

/** The list keyword whose entries stand at `path` (`track_script { ... }`), if that is what it is. */
export function listOf(root: Scope<never>, path: readonly string[]): Keyword<never> | undefined {
  const scope = scopeOf(root, path.slice(0, -1));
  const name = path.at(-1);
  if (scope === undefined || name === undefined || !Object.hasOwn(scope.keywords, name)) return undefined;
  const keyword = scope.keywords[name];
  return keyword?.kind === "list" ? keyword : undefined;
}
