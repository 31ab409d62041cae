import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderDiagnostics, testExitCode } from "../../main/config/report.js";
import { load } from "../unit/config-fake-host.js";

/** Pieces that steer the reader into its corners more often than random bytes do. */
const piece = fc.constantFrom(
  "{",
  "}",
  '"',
  "'",
  "\\",
  "#",
  "!",
  "\n",
  " ",
  "\r\n",
  "\0",
  "$A=",
  "$",
  "{A}",
  "{_ENV SITE}",
  "@node1 ",
  "@^",
  "~SEQ(I,1) ",
  "include ",
  "includea ",
  "*",
  "[a-",
  "{a,b}",
  "global_defs",
  "vrrp_instance",
  "vrrp_script",
  "virtual_server",
  "real_server",
  "HTTP_GET",
  "url",
  "path",
  "virtual_ipaddress",
  "track_script",
  "authentication",
  "priority",
  "notify",
  "quorum",
  "10.0.0.1",
  "::1/64",
  "80",
  "-1",
  "1.5",
  "fwmark",
  "constructor",
  "__proto__",
);

test("any bytes give a configuration and findings, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const result = load(bytes);
      renderDiagnostics(result.diagnostics);
      assert.ok(result.config !== undefined && testExitCode(result) <= 6);
    }),
    { numRuns: 400 },
  );
});

test("any sequence of the language's pieces is read, and positions lie inside the file", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, piece, fc.string({ maxLength: 4 })), { maxLength: 80 }), (pieces) => {
      const text = pieces.join(" ");
      const lines = text.split("\n").length;
      for (const { at } of load(text).diagnostics) {
        assert.ok(at === undefined || (at.line >= 1 && at.line <= lines && at.column >= 1));
      }
    }),
    { numRuns: 600 },
  );
});

test("every prefix of a valid file is read", () => {
  const text =
    "vrrp_instance A {\n interface eth0\n notify \"a 'b' \\x41\" u\n virtual_ipaddress { 10.0.0.1/24 dev eth0 }\n}\n";
  for (let end = 0; end <= text.length; end++) assert.ok(load(text.slice(0, end)).config);
});

/** Processor time of one reading: other jobs on the machine make the time on the wall long. */
function milliseconds(text: string): number {
  const start = process.cpuUsage();
  load(text);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Of each text its best of three, read in turns; up to nine while `holds` does not: a machine may be slow for seconds. */
function bestOf(texts: readonly [string, string], holds: (once: number, twice: number) => boolean): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 1; round <= 9; round++) {
    for (const i of [0, 1] as const) best[i] = Math.min(best[i], milliseconds(texts[i]));
    if (round >= 3 && holds(...best)) break;
  }
  return best;
}

for (const [name, unit] of [
  ["open braces", "{"],
  ["block openers on one line", "virtual_server 10.0.0.1 80 { "],
  ["open quotes", 'a "b '],
  ["undefined names", `${"$"}{A ${"$"}{B `],
  ["unknown lines", "nonsense here\n"],
  ["self-growing definitions", `$A=x${"$"}{A}${"$"}{A}\nrouter_id $A\n`],
  ["definitions of definitions", `$A=${"$"}{B}${"$"}{B}\n$B=${"$"}{A}\n$A\n`],
  ["include patterns", "include {,,,{a,*[\n"],
  ["one long word", "abcdefgh"],
  ["real servers", "real_server 10.0.0.1 80 {\n TCP_CHECK {\n }\n}\n"],
] as const) {
  test(`reading time is linear: ${name}`, () => {
    const text = unit.repeat(Math.ceil(60_000 / unit.length));
    // Twice the input, three times the time, and 60 ms for timer noise and collections on a busy machine.
    const isLinear = (once: number, twice: number): boolean => twice <= 3 * once + 60;
    const [once, twice] = bestOf([text, text + text], isLinear);
    assert.ok(isLinear(once, twice), `${once.toFixed(1)} ms, doubled ${twice.toFixed(1)} ms`);
  });
}
