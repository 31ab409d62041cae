import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { replaceFile } from "../../main/tools/replace-file.js";
import { compiled } from "../harness/project.js";

/** What the tools meet: full disks, readers that go away, input without an end, names that terminals obey. */

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "holdfast-tools-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `redirection` is the shell's. */
function holdfast(args: readonly string[], redirection = "", environment: Readonly<Record<string, string>> = {}) {
  const command = `"$NODE" "$TOOL" "$@" ${redirection}`;
  const own = { NODE: process.execPath, TOOL: compiled("main/tools/main.ts"), LC_ALL: "C" }; // bash tells of locales
  const env = { ...process.env, ...own, ...environment };
  const options = { cwd: folder, env, encoding: "utf8", timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", command, "holdfast", ...args], options);
  return { status, stdout, stderr };
}

const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text);

test("the verdict stays when the reader of the findings goes away", () => {
  write("many.conf", "nonsense x\n".repeat(2000));
  const { stdout } = holdfast(["check", "many.conf"], "| true; echo $PIPESTATUS");
  assert.equal(stdout, "1\n");
});

test("a full disk is an error in one line", () => {
  write("bad.conf", "nonsense x\n");
  for (const args of [
    ["check", "bad.conf"],
    ["config", "show", "bad.conf"],
    ["explain", "priority"],
  ]) {
    const { status, stderr } = holdfast(args, ">/dev/full");
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /^holdfast: cannot write the output: ENOSPC$/m);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
  assert.equal(holdfast(["check", "--nonsense"], "2>/dev/full").status, 2);
});

test("standard input without an end is refused", () => {
  const { status, stdout } = holdfast(["check", "-"], "</dev/zero");
  assert.equal(status, 1);
  assert.match(stdout, /EFBIG/);
});

test("fmt shows no name to a terminal as it is", () => {
  const { status, stderr } = holdfast(["fmt", "a\n\u001b[31m.conf"]);
  assert.equal(status, 2);
  assert.match(stderr, /^holdfast fmt: cannot read a\?\?\[31m\.conf: ENOENT/);
});

test("fmt leaves a file with several names alone", () => {
  write("a.conf", "a {\nb\n}\n");
  linkSync(path.join(folder, "a.conf"), path.join(folder, "b.conf"));
  const { status, stderr } = holdfast(["fmt", "a.conf"]);
  assert.equal(status, 2);
  assert.match(stderr, /2 names \(hard links\)/);
  assert.equal(readFileSync(path.join(folder, "b.conf"), "utf8"), "a {\nb\n}\n");
});

test("a file that was changed since it was read is not replaced", () => {
  write("a.conf", "old\n");
  const file = path.join(folder, "a.conf");
  const status = statSync(file);
  write("a.conf", "somebody else's\n");
  assert.equal(replaceFile(file, Buffer.from("formatted\n"), status), false);
  assert.equal(readFileSync(file, "utf8"), "somebody else's\n");
  assert.deepEqual(readdirSync(folder), ["a.conf"]);
  assert.equal(replaceFile(file, Buffer.from("formatted\n"), statSync(file)), true);
  assert.equal(readFileSync(file, "utf8"), "formatted\n");
});
