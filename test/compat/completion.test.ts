import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { completionScript, shells } from "../../main/tools/completion/scripts.js";
import { needs } from "../harness/needs.js";

/** The completion scripts in the real shells: what would be offered for a line being typed. */
const folder = mkdtempSync(join(tmpdir(), "holdfast-completion-"));

before(() => {
  for (const shell of shells) writeFileSync(join(folder, shell), completionScript(shell));
  writeFileSync(join(folder, "site.conf"), "");
});
after(() => rmSync(folder, { recursive: true }));

function run(command: string, ...args: string[]): string {
  // A shell complains of a locale that is not installed, and of a home that is not there.
  const env = { ...process.env, HOME: folder, LC_ALL: "C.UTF-8" };
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8", cwd: folder, env, timeout: 60_000 });
  assert.equal(stderr, "", command);
  assert.equal(status, 0, command);
  return stdout;
}

const bash = (...words: string[]): readonly string[] => {
  const list = words.map((word) => `'${word}'`).join(" ");
  const script = `source ./bash; COMP_WORDS=(holdfast ${list}); COMP_CWORD=${words.length}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run("bash", "--norc", "-c", script).trim().split("\n");
};

const fish = (line: string): readonly string[] =>
  run("fish", "--no-config", "-c", `source ./fish; complete -C '${line}'`)
    .trim()
    .split("\n")
    .map((row) => row.split("\t")[0] ?? "");

/** What zsh's completion system would add, caught where it adds it. */
const zsh = (...words: string[]): readonly string[] => {
  const list = ["holdfast", ...words].map((word) => `'${word}'`).join(" ");
  const script = `
    autoload -Uz compinit; compinit -u -D -d ./zcompdump
    source ./zsh
    _arguments() { print -rl -- "$@" }
    _describe() { print -rl -- "\${(@P)2}" }
    words=(${list}); CURRENT=${words.length + 1}
    _holdfast`;
  return run("zsh", "-f", "-c", script).trim().split("\n");
};

test("bash offers tools, options, values, keywords and files", () => {
  assert.deepEqual(bash("fm"), ["fmt"]);
  assert.deepEqual(bash("check", "--format", "s"), ["sarif"]);
  assert.deepEqual(bash("explain", "virtual_router"), ["virtual_router_id"]);
  assert.deepEqual(bash("-f", "si"), ["site.conf"]);
  assert.deepEqual(bash("fmt", "si"), ["site.conf"]);
  assert.ok(bash("--config-").includes("--config-test"));
});

test("fish offers the same", { skip: needs("fish") }, () => {
  assert.deepEqual(fish("holdfast fm"), ["fmt"]);
  assert.deepEqual(fish("holdfast check --format s"), ["sarif"]);
  assert.deepEqual(fish("holdfast explain virtual_router_"), ["virtual_router_id"]);
  assert.deepEqual(fish("holdfast fmt si"), ["site.conf"]);
  assert.ok(fish("holdfast --config-").includes("--config-test"));
});

test("zsh offers the same", { skip: needs("zsh") }, () => {
  assert.ok(zsh("fm").some((row) => row.startsWith("fmt:")));
  assert.ok(zsh("check", "").some((row) => row.startsWith("--format[") && row.endsWith("(text json sarif)")));
  assert.ok(zsh("explain", "").some((row) => row.startsWith("*:keyword:(") && row.includes(" virtual_router_id ")));
  assert.ok(zsh("--con").some((row) => row.startsWith("--config-test[")));
});
