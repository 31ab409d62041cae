import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { unifiedDiff } from "../../main/tools/line-diff.js";

const diff = (before: string, after: string): string => unifiedDiff(before, after, "a", "b");
const HEAD = "--- a\n+++ b\n";

for (const [name, before, after, want] of [
  ["equal texts", "x\n", "x\n", ""],
  ["a changed line", "x\ny\nz\n", "x\nY\nz\n", `${HEAD}@@ -1,3 +1,3 @@\n x\n-y\n+Y\n z\n`],
  ["an inserted line", "x\n", "y\nx\n", `${HEAD}@@ -1 +1,2 @@\n+y\n x\n`],
  ["everything deleted", "x\ny\n", "", `${HEAD}@@ -1,2 +0,0 @@\n-x\n-y\n`],
  ["no LF at the end", "x", "x\n", `${HEAD}@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n`],
  [
    "changes far from each other",
    "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
    "0\n2\n3\n4\n5\n6\n7\n8\n0\n",
    `${HEAD}@@ -1,4 +1,4 @@\n-1\n+0\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+0\n`,
  ],
] as const) {
  test(`diff: ${name}`, () => assert.equal(diff(before, after), want));
}

/** What patch(1) does with hunks that fit exactly. */
function apply(before: string, patch: string): string {
  const lines = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  for (const hunk of patch.split(/^(?=@@ )/m).slice(1)) {
    const [, start = "", count = "1"] = /^@@ -(\d+)(?:,(\d+))? /.exec(hunk) ?? [];
    const from = Number(start) - (count === "0" ? 0 : 1);
    out.push(...lines.slice(at, from));
    at = from;
    for (const line of hunk
      .replace(/\n\\ No newline at end of file\n/g, "\n\\")
      .match(/.*\n\\?/g)
      ?.slice(1) ?? []) {
      const text = line.endsWith("\\") ? line.slice(1, -2) : line.slice(1);
      if (!line.startsWith("+")) assert.equal(lines[at++], text);
      if (!line.startsWith("-")) out.push(text);
    }
  }
  return [...out, ...lines.slice(at)].join("");
}

test("a diff leads from the one text to the other", () => {
  const text = fc
    .array(fc.constantFrom("a\n", "b\n", "c\n", "d d\n", "\n", "e"), { maxLength: 30 })
    .map((l) => l.join(""));
  fc.assert(
    fc.property(text, text, (a, b) => assert.equal(apply(a, diff(a, b)), b)),
    { numRuns: 500 },
  );
});

test("also where it gives up looking for the shortest", () => {
  const before = Array.from({ length: 5000 }, (_, i) => `${i % 7 === 0 ? "same" : `line ${i}`}\n`).join("");
  const after = before.replace(/^line/gm, "    line");
  assert.equal(apply(before, diff(before, after)), after);
});
