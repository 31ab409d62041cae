import assert from "node:assert/strict";
import { test } from "node:test";
import { type Diagnostic, Diagnostics } from "../../main/config/diagnostics.js";
import { hasErrors, renderDiagnostics, strictly, testExitCode } from "../../main/config/report.js";
import { instance, load, MAIN_FILE } from "./config-fake-host.js";

const INCLUDED = "/etc/holdfast/sub.conf";
const DEEPER = "/etc/holdfast/deeper.conf";

const at = (file: string, line: number, column = 1) => ({ file, line, column });
const messages = (found: readonly Diagnostic[]): readonly string[] => found.map(({ message }) => message);

test("findings come file by file as they were read, from above to below, the whole last; equal places stay in order", () => {
  const diagnostics = new Diagnostics();
  diagnostics.addSource("main", "", undefined);
  diagnostics.addSource("part", "", at("main", 2));
  const made: readonly [string, ReturnType<typeof at> | undefined][] = [
    ["8 whole", undefined],
    ["6 part", at("part", 1)],
    ["4 main", at("main", 9, 1)],
    ["3 main", at("main", 3, 7)],
    ["1 main, warned first", at("main", 3, 2)],
    ["2 main, warned second", at("main", 3, 2)],
    ["7 not read", at("elsewhere", 1)],
    ["5 main", at("main", 10)],
  ];
  for (const [message, place] of made) diagnostics.warn("CFG_ADVICE", place, message);
  const order = [4, 5, 3, 2, 7, 1, 6, 0];
  assert.deepEqual(
    messages(diagnostics.finish()),
    order.map((i) => made[i]?.[0]),
  );
});

test("findings made after reading stand among those that were made while reading", () => {
  const { diagnostics } = load(`vrrp_instance A {\n interface eth0\n}\nglobal_defs {\n ruoter_id x\n}\n`);
  const lines = diagnostics.map((found) => found.at?.line ?? 0);
  assert.deepEqual([lines.at(0), lines.at(-1)], [1, 5]);
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
});

test("a finding says through which includes it came, the nearest first", () => {
  const { diagnostics } = load("\ninclude sub.conf\n", {
    [INCLUDED]: "global_defs {\n include deeper.conf\n}\n",
    [DEEPER]: "ruoter_id x\n",
  });
  assert.equal(
    renderDiagnostics(diagnostics),
    [
      `(${DEEPER}: Line 1) Unknown keyword 'ruoter_id'`,
      "    ruoter_id x",
      "    ^",
      `    included from ${INCLUDED} line 2`,
      `    included from ${MAIN_FILE} line 2`,
      "  -> did you mean 'router_id'?",
      "",
    ].join("\n"),
  );
});

test("a file that is included in several places says so", () => {
  const { diagnostics } = load("include sub.conf\ninclude sub.conf\ninclude sub.conf\n", { [INCLUDED]: "nonsense\n" });
  assert.equal(diagnostics.length, 3);
  assert.match(renderDiagnostics(diagnostics), /included from \S+ line 1 and 2 more places\n/);
});

test("a finding says through which definitions and repetitions it came, the nearest first", () => {
  const text = "$INNER= \\\n prio 1 \\\n}\n$OUTER= \\\n vrrp_instance A { \\\n $INNER \\\n\n\n~SEQ(N, 7, 7) $OUTER\n";
  const { diagnostics } = load(text);
  const unknown = diagnostics.find(({ code }) => code === "CFG_UNKNOWN_KEYWORD");
  assert.deepEqual(
    unknown?.via.map(({ kind, name, line }) => [kind, name, line]),
    [
      ["definition", "INNER", 1],
      ["definition", "OUTER", 4],
      ["repetition", "N=7", 9],
    ],
  );
  assert.match(
    renderDiagnostics(diagnostics),
    new RegExp(`in the definition \\$INNER of ${MAIN_FILE} line 1\n {4}in the definition \\$OUTER of \\S+ line 4\n`),
  );
});

test("the caret stands below its column, tabs included", () => {
  const { diagnostics } = load("global_defs {\n\t\truoter_id x\n}\n");
  assert.match(renderDiagnostics(diagnostics), /\n {4}\t\truoter_id x\n {4}\t\t\^\n/);
});

test("names of files cannot drive a terminal either", () => {
  const diagnostics = new Diagnostics();
  diagnostics.warn("CFG_ADVICE", at("/etc/\x1b[2Jx\u202e", 1), "a\x9bb\u2066");
  assert.equal(renderDiagnostics(diagnostics.finish()), "(/etc/?[2Jx?: Line 1) a?b?\n");
});

test("more than a thousand findings are counted, and the count comes last", () => {
  const { diagnostics } = load("nonsense\n".repeat(1500));
  assert.equal(diagnostics.length, 1001);
  assert.deepEqual(
    [diagnostics.at(-1)?.code, diagnostics.at(-1)?.message],
    ["CFG_TOO_MANY", "500 more findings are not shown"],
  );
});

test("a word without effect is told once, and an error only when asked for", () => {
  const result = load("global_defs {\n enable_traps\n}\nglobal_defs {\n enable_traps\n}\n");
  assert.deepEqual(messages(result.diagnostics), [
    "'enable_traps' in global_defs is accepted, without effect in this version (and in 1 more place)",
  ]);
  assert.deepEqual([hasErrors(result), testExitCode(result)], [false, 0]);
  const strict = { ...result, diagnostics: strictly(result.diagnostics) };
  assert.deepEqual([hasErrors(strict), testExitCode(strict)], [true, 5]);
});

test("-t --strict: a missing value still counts for more, and a script for most", () => {
  const exitOf = (lines: string): number => {
    const result = load(`global_defs {\n enable_traps\n}\n${instance(lines)}`);
    return testExitCode({ ...result, diagnostics: strictly(result.diagnostics) });
  };
  assert.deepEqual([exitOf("priority"), exitOf("notify /usr/bin/notify")], [2, 6]);
});
