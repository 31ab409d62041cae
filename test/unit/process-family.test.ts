import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { markedProcesses, mayBeMarked, RUN_MARK } from "../../workers/process-family.js";

test("a process is found by the mark in its environment", async (t) => {
  const child = spawn("sleep", ["60"], { env: { ...process.env, [RUN_MARK]: "it-3" }, stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  const found = [...markedProcesses()].filter((one) => one?.mark === "it-3");
  assert.deepEqual(
    found.map((one) => one?.pid),
    [child.pid],
  );
});

/** From field 3 of proc_pid_stat(5) on. */
const fieldsOf = (state: string, started: number): readonly string[] => {
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.with(0, state).with(19, String(started));
};

test("whose environment is not read: it hangs in the kernel, has ended, or is older than we are", () => {
  const rows = [
    ["S", 500, true],
    ["R", 501, true],
    ["T", 501, true],
    ["D", 501, false],
    ["Z", 501, false],
    ["S", 499, false],
  ] as const;
  for (const [state, started, wanted] of rows)
    assert.equal(mayBeMarked(fieldsOf(state, started), 500), wanted, `${state} ${started}`);
});
