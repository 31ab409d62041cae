import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { optionTable } from "../../main/control/options-table.js";

/**
 * The launcher scans the command line before Node runs (command_line.cc). An option that only the daemon knows would make it
 * take `-x -n` for foreground where `-n` is the value of `-x`, or abbreviations mean two different things.
 */
const source = readFileSync(new URL("../../../native-bindings/launcher/command_line.cc", import.meta.url), "utf8");
const suffix = { none: "", required: ":", optional: "::" } as const;

test("launcher and daemon know the same long options", () => {
  const rows = [...source.matchAll(/option\{"([^"]+)", (no_argument|required_argument|optional_argument)/g)];
  const launcher = rows.map(([, name, kind]) => `${name} ${kind?.replace("_argument", "").replace(/^no$/, "none")}`);
  const daemon = optionTable.flatMap(({ long, argument }) => (long === undefined ? [] : [`${long} ${argument}`]));
  assert.deepEqual(new Set(launcher), new Set(daemon));
});

test("launcher and daemon know the same letters", () => {
  const letters = /kShort = "([^"]+)"/.exec(source)?.[1]?.match(/[a-zA-Z]:{0,2}/g) ?? [];
  const daemon = optionTable.flatMap(({ short, argument }) => (short === undefined ? [] : [short + suffix[argument]]));
  assert.deepEqual(new Set(letters), new Set(daemon));
});
