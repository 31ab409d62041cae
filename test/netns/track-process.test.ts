import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { DeadlineClock } from "../../main/deadline-clock.js";
import type { ProcessPattern } from "../../main/vrrp/process-match.js";
import { ProcessThread } from "../../main/vrrp/process-thread.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Real processes, and the kernel's own events where it tells them: in the initial network namespace. */

const SOON = 10_000;

async function start(program: string, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: "ignore" });
  await once(child, "spawn");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

test("processes are counted as they start, change their program and end", {
  skip: needs("root", "native"),
  timeout: 60_000,
}, async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-process-"));
  const program = path.join(dir, `hf-${process.pid}`);
  copyFileSync("/bin/sleep", program);
  const clock = new DeadlineClock();
  t.after(() => {
    clock[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  const byName: ProcessPattern = { name: "name", command: program, parameters: [], match: "none", fullCommand: false };
  const byWords: ProcessPattern = {
    ...byName,
    name: "words",
    parameters: ["3", "60"],
    match: "exact",
    fullCommand: true,
  };
  const counts = new Map<string, number>();
  const problems: string[] = [];
  const before = await start(program, "60");
  using _counting = new ProcessThread(clock).count([byName, byWords], {
    onCount: (name, count) => counts.set(name, count),
    onProblem: (sentence) => problems.push(sentence),
  });
  await until("the census", SOON, () => counts.get("name") === 1 && counts.get("words") === 0);
  const second = await start(program, "3", "60");
  await until("a start is noticed", SOON, () => counts.get("name") === 2 && counts.get("words") === 1);
  const shell = await start("/bin/sh", "-c", `sleep 0.2; exec ${program} 60`);
  await until("exec is noticed", SOON, () => counts.get("name") === 3);
  await end(second);
  await until("an end is noticed", SOON, () => counts.get("name") === 2 && counts.get("words") === 0);
  await end(before);
  await end(shell);
  await until("all are gone", SOON, () => counts.get("name") === 0);
  t.diagnostic(problems.length === 0 ? "by process events" : (problems[0] ?? ""));
  assert.ok(problems.length <= 1);
});
