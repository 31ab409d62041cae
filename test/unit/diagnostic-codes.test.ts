import assert from "node:assert/strict";
import { test } from "node:test";
import { type CodeEntry, diagnosticCodes } from "../../main/config/diagnostic-codes.js";
import { type LoadResult, loadConfig } from "../../main/config/load.js";
import { findingLines, testExitCode } from "../../main/config/report.js";
import { fakeHost, MAIN_FILE } from "./config-fake-host.js";

/** The examples of docs/errors.md are run: each shows its code and nothing else, and its remedy removes it. */
const table: Readonly<Record<string, CodeEntry>> = diagnosticCodes;

function check(text: string | undefined, files: CodeEntry["files"] = {}): LoadResult {
  const others = Object.entries(files).map(([name, content]) => [`/etc/holdfast/${name}`, content] as const);
  return loadConfig(
    MAIN_FILE,
    fakeHost({ ...Object.fromEntries(others), ...(text === undefined ? {} : { [MAIN_FILE]: text }) }),
  );
}

const codesOf = ({ diagnostics }: LoadResult): Set<string> => new Set(diagnostics.map(({ code }) => code));

for (const [code, { bad, good, besides, files, exit }] of Object.entries(table)) {
  test(`${code}: the example has it, the remedy has nothing`, () => {
    const found = check(bad, files);
    const beside = besides === undefined ? [] : [besides];
    assert.deepEqual(codesOf(found), new Set([code, ...beside]), findingLines(found.diagnostics).join("\n"));
    assert.equal(testExitCode(found), exit);
    const corrected = codesOf(check(good, files));
    for (const known of beside) corrected.delete(known);
    assert.deepEqual(corrected, new Set());
  });

  test(`${code}: title and explanation are sentences for the reader`, () => {
    const { title, why } = table[code] as CodeEntry;
    assert.match(title, /^[a-z].*[^.]$/);
    assert.match(why, /^[A-Za-z`].*\.$/);
    assert.ok(why.split(" ").length >= 15, why);
  });
}
