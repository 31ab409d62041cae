import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { languageParts } from "../../main/config/explain/language.js";
import type { Scope } from "../../main/config/keyword.js";
import { rootScope } from "../../main/config/keywords/root.js";
import { places } from "../../main/config/walk.js";
import { compiled } from "../harness/project.js";

function explain(...words: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const tool = [compiled("main/tools/main.ts"), "explain", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, tool, { encoding: "utf8", timeout: 20_000 });
  return { status, stdout, stderr };
}

test("keywords and what the language has beside them", () => {
  const { status, stdout, stderr } = explain("virtual_router_id", "include", "~SEQ", "_ENV", "@");
  assert.equal(status, 0, stderr);
  for (const text of [
    /^virtual_router_id <1\.\.255>$/m,
    /^include FILE$/m,
    /^~SEQ\(/m,
    /^\$\{_ENV NAME\}$/m,
    /^@\^ID LINE$/m,
  ]) {
    assert.match(stdout, text);
  }
});

test("an unknown word: what was probably meant", () => {
  const rows: readonly [word: string, hint: RegExp][] = [
    ["prioriy", /did you mean 'priority'\?/],
    ["vmac", /did you mean one of: .*\buse_vmac\b/],
    ["garp", /--list/], // too many have it
    ["zebra", /--list/],
  ];
  for (const [word, hint] of rows) {
    const { status, stderr } = explain(word);
    assert.equal(status, 1, word);
    assert.match(stderr, hint);
  }
});

test("no keyword has the name of a part of the language", () => {
  const keywords = new Set([...places(rootScope as Scope<never>)].map(({ name }) => name));
  assert.deepEqual(
    languageParts.flatMap(({ names }) => names).filter((name) => keywords.has(name)),
    [],
  );
});
