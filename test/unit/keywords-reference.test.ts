import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Keyword, Scope } from "../../main/config/keyword.js";
import { rootScope } from "../../main/config/keywords/root.js";
import { places, valueWords } from "../../main/config/walk.js";

/**
 * The keyword tables beside the list of everything that keepalived 2.4.3 reads: nothing is forgotten, and nothing is in
 * the tables that keepalived does not know unless it is marked as ours.
 */
const root = rootScope as Scope<never>;
const reference = new URL("../../../test/golden/keywords-2.4.3.tsv", import.meta.url);

interface Row {
  readonly path: readonly string[];
  readonly word: string;
}

const rows: readonly Row[] = readFileSync(reference, "utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line) => line.split("\t"))
  .filter(([block]) => block !== "(language)") // include, @id, definitions: see config-sources and config-language
  .map(([block = "", word = ""]) => ({
    path: block === "(root)" ? [] : block.split(" > ").filter((part) => !/^<.*>$/.test(part)),
    word,
  }));

/** The keyword at the end of the path as far as keywords go, and the words that must follow it. */
function follow(path: readonly string[]): {
  scope: Scope<never> | undefined;
  keyword: Keyword<never> | undefined;
  rest: string[];
} {
  let scope: Scope<never> | undefined = root;
  for (const [i, part] of path.entries()) {
    const keyword: Keyword<never> | undefined = scope.keywords[part];
    if (keyword?.kind !== "block")
      return { scope: undefined, keyword, rest: path.slice(i + 1).flatMap((p) => p.split(" ")) };
    const body = keyword.body as Scope<never>;
    // `auth_hmac key ID`: a block may also have option words in front of its brace.
    const next = path[i + 1];
    if (next !== undefined && body.keywords[next] === undefined && keyword.options !== undefined) {
      return { scope: undefined, keyword, rest: path.slice(i + 1).flatMap((p) => p.split(" ")) };
    }
    scope = body;
  }
  return { scope, keyword: undefined, rest: [] };
}

function known({ path, word }: Row): boolean {
  const { scope, keyword, rest } = follow(path);
  if (scope !== undefined && Object.hasOwn(scope.keywords, word)) return true;
  const at = keyword ?? (path.length > 0 ? blockAt(path) : undefined);
  if (at === undefined) return false;
  return [...valueWords(at)].some((one) => one.word === word && one.after.join(" ") === rest.join(" "));
}

function blockAt(path: readonly string[]): Keyword<never> | undefined {
  let scope = root;
  let keyword: Keyword<never> | undefined;
  for (const part of path) {
    keyword = scope.keywords[part];
    if (keyword?.kind === "block") scope = keyword.body as Scope<never>;
  }
  return keyword;
}

test("every word that keepalived 2.4.3 reads is in the tables", () => {
  // `<address>`, `(other word)` and the like are values with rules of their own, described by the shape of their keyword.
  const missing = rows.filter(({ word }) => !/^[<(].*[>)]$/.test(word)).filter((row) => !known(row));
  assert.deepEqual(
    missing.map(({ path, word }) => [...path, word].join(" > ")),
    [],
  );
});

test("every keyword in the tables is keepalived's or marked as ours", () => {
  const theirs = new Set(rows.map(({ path, word }) => [...path, word].join(" > ")));
  const unmarked = [...places(root)]
    .filter(({ keyword }) => keyword.ours !== true)
    .map(({ path, name }) => [...path, name].join(" > "))
    .filter((name) => !theirs.has(name));
  assert.deepEqual(unmarked, []);
});

test("every keyword says what it does in one sentence, and aliases and successors exist", () => {
  for (const { path, name, keyword } of places(root)) {
    const place = [...path, name].join(" > ");
    assert.match(keyword.doc, /^\S.{4,}\.$/s, place);
    const siblings = Object.keys((path.length === 0 ? root : scopeAt(path)).keywords);
    if (keyword.aliasOf !== undefined) assert.ok(siblings.includes(keyword.aliasOf), place);
    if (keyword.deprecated !== undefined) assert.notEqual(keyword.deprecated.instead, "", place);
  }
});

function scopeAt(path: readonly string[]): Scope<never> {
  const block = blockAt(path);
  assert.ok(block?.kind === "block", path.join(" > "));
  return block.body as Scope<never>;
}
