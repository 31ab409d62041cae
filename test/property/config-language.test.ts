import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loadConfig } from "../../main/config/load.js";
import type { ConfigHost } from "../../main/config/ports.js";
import { renderDiagnostics, testExitCode } from "../../main/config/report.js";
import { projectRoot } from "../harness/project.js";
import { fakeHost, MAIN_FILE } from "../unit/config-fake-host.js";

/** Whatever the bytes, a configuration and findings come out, and positions name lines that exist. */
function check(files: Readonly<Record<string, string | Uint8Array>>, overrides: Partial<ConfigHost> = {}): void {
  const host = fakeHost(files, overrides);
  const result = loadConfig(MAIN_FILE, host);
  renderDiagnostics(result.diagnostics);
  assert.ok(result.config !== undefined && testExitCode(result) <= 6);
  for (const { at } of result.diagnostics) {
    if (at === undefined) continue;
    const text = Buffer.from(files[at.file] ?? "").toString("latin1");
    const lines = text.split("\n").length;
    assert.ok(
      at.line >= 1 && at.line <= lines && at.column >= 1,
      `${at.file}:${at.line}:${at.column} of ${lines} lines`,
    );
  }
}

const name = fc.constantFrom("A", "B", "C", "_PWD", "_RANDOM", "_ENV", "_HASH");
const use = fc.oneof(
  name.map((n) => `$${n}`),
  name.map((n) => `$${`{${n}}`}`),
  name.map((n) => `$${`{${n} 1 2}`}`),
  fc.constant(`$${"{A_$"}{B}}`),
);
const word = fc.constantFrom(
  "global_defs",
  "router_id",
  "vrrp_instance",
  "virtual_server",
  "10.0.0.1",
  "80",
  "x",
  '"a b"',
  "{",
  "}",
  '"',
  "#",
  "\\",
);
const words = fc.array(fc.oneof(word, word, use), { maxLength: 6 }).map((parts) => parts.join(" "));
const number = fc
  .oneof(fc.integer({ min: -3, max: 30 }), fc.constantFrom("0x10", "4294967295", "", "$A", "-1"))
  .map(String);
const sequence = fc
  .tuple(name, fc.array(number, { minLength: 1, maxLength: 4 }))
  .map(([n, of]) => `~SEQ(${n}, ${of.join(", ")}) `);
const list = fc
  .tuple(fc.constantFrom("A", "{A,B}", "{A"), fc.array(fc.constantFrom("1", "{2,3}", "$B", "{", " "), { maxLength: 4 }))
  .map(([names, items]) => `~LST(${[names, ...items].join(",")}) `);
const condition = fc.constantFrom("@node1 ", "@^node1 ", "@other ", "@ ");
const include = fc
  .constantFrom("include", "includea", "includer")
  .chain((keyword) =>
    fc
      .constantFrom("a.conf", "b.conf", "test.conf", "*.conf", "{a,b,c}.conf", "d/../a.conf", "[", "$A")
      .map((f) => `${keyword} ${f}`),
  );
const statement = fc.oneof(words, words, include);
const repeated = fc
  .tuple(fc.array(fc.oneof(sequence, list, condition), { maxLength: 3 }), statement)
  .map(([before, rest]) => before.join("") + rest);
const definition = fc
  .tuple(name, fc.array(fc.oneof(repeated, use), { minLength: 1, maxLength: 4 }))
  .map(([n, lines]) => `$${n}=${lines.join(" \\\n")}`);
const line = fc.oneof(definition, repeated, repeated, words, fc.constantFrom("", "  ", "\r", "# x", "\0"));
const file = fc.array(line, { maxLength: 14 }).map((lines) => lines.join("\n"));

/** A repetition to four thousand million ends at its bound, which takes its time; here it is enough that it ends. */
const patient = (): Partial<ConfigHost> => {
  let looks = 0;
  return { memoryIsShort: () => ++looks > 1 };
};

test("the language in all its forms, over three files that include each other", () => {
  fc.assert(
    fc.property(file, file, file, (main, a, b) => {
      check({ [MAIN_FILE]: main, "/etc/holdfast/a.conf": a, "/etc/holdfast/b.conf": b }, patient());
    }),
    { numRuns: 500, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});

const confFilesIn = (folder: string): readonly string[] => {
  const root = path.join(projectRoot, folder);
  if (!existsSync(root)) return [];
  const names = readdirSync(root, { recursive: true, encoding: "utf8" });
  return names.filter((file) => file.endsWith(".conf")).map((file) => path.join(root, file));
};

const realFiles = ["test/golden/config", "examples", "test/compat/config"]
  .flatMap(confFilesIn)
  .map((file) => readFileSync(file));

/** Where to change a file, and how. */
const mutation = fc.record({
  at: fc.nat({ max: 1_000_000 }),
  length: fc.nat({ max: 40 }),
  how: fc.constantFrom("delete", "double", "insert", "flip"),
  text: fc.oneof(line, fc.string({ maxLength: 3 })),
});

function mutate(
  bytes: Buffer,
  { at, length, how, text }: { at: number; length: number; how: string; text: string },
): Buffer {
  const from = bytes.length === 0 ? 0 : at % bytes.length;
  const [before, piece, after] = [
    bytes.subarray(0, from),
    bytes.subarray(from, from + length),
    bytes.subarray(from + length),
  ];
  if (how === "delete") return Buffer.concat([before, after]);
  if (how === "double") return Buffer.concat([before, piece, piece, after]);
  if (how === "insert") return Buffer.concat([before, Buffer.from(text), piece, after]);
  return Buffer.concat([before, piece.map((byte) => byte ^ (1 << (length % 8))), after]);
}

test("real files with pieces deleted, doubled, inserted and spoilt", () => {
  assert.ok(realFiles.length > 0);
  fc.assert(
    fc.property(
      fc.constantFrom(...realFiles),
      fc.array(mutation, { minLength: 1, maxLength: 5 }),
      (bytes, mutations) => {
        check({ [MAIN_FILE]: mutations.reduce(mutate, bytes) }, patient());
      },
    ),
    { numRuns: 600, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});
