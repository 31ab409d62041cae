import assert from "node:assert/strict";
import { test } from "node:test";
import { formatConfig } from "../../main/config/format/format.js";
import { threadCpuTime } from "../../native-bindings/process.js";

const millions = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length));

/** Of processor time. The promise is a few seconds, with room for a slow machine; anything quadratic takes hours. */
const LONGEST_MS = 30_000;

for (const [name, text, same] of [
  ["ten million braces in one line", millions("{", 10e6), true],
  ["ten million closing braces", millions("}\n", 20e6), true],
  ["ten million opening braces", millions("{\n", 20e6), true], // indented they would be larger than what is read
  ["a line of 100 MB", millions("a b ", 100e6), true],
  ["lines full of braces", millions(`${"{}".repeat(500)}\n`, 1e6), false],
  ["open names", millions(`${"$"}{A`.repeat(300).concat("\n"), 2e6), false],
  ["open quotes", millions('a "b\n', 2e6), true],
  ["quotes", millions(`${'"a'.repeat(500)}\n`, 2e6), false],
  ["alternatives", millions("@a {\n", 2e6), false],
  ["conditions, each another", Array.from({ length: 200_000 }, (_, i) => `@${i} {\n`).join(""), false],
  ["blank lines", millions("\n", 10e6), false],
  ["comments", millions("#\n", 4e6), true],
] as const) {
  test(`bounded: ${name}`, () => {
    const start = threadCpuTime();
    const result = formatConfig(text).text.trimEnd();
    const took = threadCpuTime() - start;
    assert.ok(took < LONGEST_MS, `${took.toFixed(0)} ms`);
    // Not assert.equal: its message would hold both texts.
    if (same) assert.ok(result === text.trimEnd(), "the text has changed");
  });
}

test("notes are bounded", () => {
  assert.equal(formatConfig("a\0\n".repeat(5000)).notes.length, 1000);
});
