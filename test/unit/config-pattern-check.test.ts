import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createHost } from "../../main/config/host.js";
import { loadConfig } from "../../main/config/load.js";
import { needs } from "../harness/needs.js";
import { service } from "./config-fake-host.js";

/** The real PCRE2 behind `regex`: asked when there is a pattern, and not loaded before. */

const folder = mkdtempSync(path.join(tmpdir(), "holdfast-pattern-"));
after(() => rmSync(folder, { recursive: true }));
const host = createHost({ configId: "x" });
const skip = needs("native");

const file = (name: string, lines: string): string => {
  const whole = path.join(folder, name);
  writeFileSync(whole, service("", `HTTP_GET {\nurl {\npath /\n${lines}\n}\n}`));
  return whole;
};

const isLoaded = (): boolean => {
  const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return sharedObjects.some((name) => name.endsWith("/holdfast.node"));
};

test("only a file with a pattern loads the add-on", { skip }, () => {
  assert.deepEqual(loadConfig(file("plain.conf", "status_code 200"), host).diagnostics, []);
  assert.equal(isLoaded(), false);
  assert.deepEqual(loadConfig(file("regex.conf", 'regex "status: (ok|fine)"'), host).diagnostics, []);
  assert.equal(isLoaded(), true);
});

const none = { options: [], noMatch: false, minOffset: 0, maxOffset: undefined, stack: undefined } as const;
for (const [pattern, want] of [
  ["^(a|b)\\d+$", { is: "good" }],
  ["é*+*", { is: "bad", message: "quantifier does not follow a repeatable item", offset: 4 }],
  ["(open", { is: "bad", message: "missing closing parenthesis", offset: 5 }],
] as const) {
  test(`PCRE2 about ${pattern}`, { skip }, () => {
    assert.deepEqual(host.checkPattern?.({ ...none, pattern }), want);
  });
}

test("without the add-on the file is read all the same, with a warning", () => {
  // The same program where nothing is built: links keep their place, so it looks beside them.
  symlinkSync(fileURLToPath(new URL("../../../dist", import.meta.url)), path.join(folder, "dist"));
  symlinkSync(fileURLToPath(new URL("../../../package.json", import.meta.url)), path.join(folder, "package.json"));
  const main = path.join(folder, "dist/main/tools/main.js");
  const links = ["--preserve-symlinks", "--preserve-symlinks-main"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...links, main, "check", file("open.conf", "regex (a")],
    {
      encoding: "utf8",
    },
  );
  assert.match(stdout, /warning: patterns of regex are not checked: .*MODULE_NOT_FOUND/, stderr);
  assert.equal(status, 0, stdout);
});
