import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { ToolThread } from "../../main/network/tool-thread.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { until } from "../harness/until.js";

const here = (start: () => Worker): Worker => start();
const timeout = 30_000;

test("input, output, errors and exit codes; what is not there is 127", { timeout }, async () => {
  const { run } = new ToolThread(here);
  const all = await Promise.all([
    run(["sh", "-c", "cat; echo late >&2; exit 3"], "text\n"),
    run(["sh", "-c", 'echo "$LC_ALL"'], ""),
    run(["there-is-no-such-program"], "x"),
    run(["sh", "-c", "kill -9 $$"], ""),
  ]);
  assert.deepEqual(all.slice(0, 2), [
    { code: 3, output: "text\n", errors: "late\n" },
    { code: 0, output: "C\n", errors: "" },
  ]);
  assert.equal(all[2]?.code, 127);
  assert.match(all[2]?.errors ?? "", /ENOENT/);
  assert.equal(all[3]?.code, -1);
});

test("the caller's thread starts no program: its own time for 50 of them is little", { timeout }, async () => {
  const { run } = new ToolThread(here);
  await run(["true"], "");
  const begun = threadCpuTime();
  for (let i = 0; i < 50; i++) await run(["true"], "");
  const each = (threadCpuTime() - begun) / 50;
  assert.ok(each < 0.5, `${each.toFixed(2)} ms each: to start one takes a millisecond and more`);
});

test("a program that does not begin is given up, and the next one has another thread", { timeout }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-tool-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const slow = join(dir, "slow");
  writeFileSync(slow, "#!/bin/sh\nexec sleep 2\n");
  chmodSync(slow, 0o755);
  const thread = new ToolThread(here, 300);
  const first = thread.run([slow], "");
  const id = thread.threadId;
  assert.deepEqual(await first, { code: -1, output: "", errors: `${slow} did not begin within 0.3 s` });
  assert.equal(thread.threadId, undefined);
  const next = new ToolThread(here, 10_000);
  assert.equal((await next.run(["true"], "")).code, 0);
  assert.notEqual(next.threadId, id);
});

test("when nothing is left to do the thread ends, and holds up nobody's end", { timeout }, async (t) => {
  const thread = new ToolThread(here, 10_000, 50);
  await thread.run(["true"], "");
  await until("the thread has ended", 5000, () => thread.threadId === undefined);
  assert.equal((await thread.run(["true"], "")).code, 0);
  const url = new URL("../../main/network/tool-thread.js", import.meta.url).href;
  const program = `import { ToolThread } from ${JSON.stringify(url)};
    const { run } = new ToolThread((start) => start());
    console.log((await run(["echo", "ok"], "")).output.trim());`;
  const dir = mkdtempSync(join(tmpdir(), "holdfast-tool-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "program.mjs"), program);
  const said = execFileSync(process.execPath, [join(dir, "program.mjs")], { timeout: 8000, encoding: "utf8" });
  assert.equal(said, "ok\n");
});

test("where the host has no thread to give nothing is run, and the next time it is tried again", {
  timeout,
}, async () => {
  let full: boolean = true;
  const { run } = new ToolThread((start) => {
    if (full) throw new Error("Worker initialization failure: EAGAIN");
    return start();
  });
  const errors = "no thread to start true from: Worker initialization failure: EAGAIN";
  assert.deepEqual(await run(["true"], ""), { code: -1, output: "", errors });
  full = false;
  assert.equal((await run(["true"], "")).code, 0);
});
