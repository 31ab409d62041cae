import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { makeFifo } from "../../native-bindings/fifo.js";
import { compiled } from "../harness/project.js";

/** A thread waits in read(2), which no terminate() ends, and the main thread exits. */
const program = (pipe: string, exit: string): string => `
  import { Worker } from "node:worker_threads";
  import { limitExit } from ${JSON.stringify(pathToFileURL(compiled("main/control/last-resort.ts")).href)};
  const hung = \`
    const { openSync, readSync } = require("node:fs");
    const fd = openSync(${JSON.stringify(pipe)}, "r+");
    require("node:worker_threads").parentPort.postMessage("reads");
    readSync(fd, Buffer.alloc(1));\`;
  const worker = new Worker(hung, { eval: true, execArgv: [] });
  worker.once("message", () => setTimeout(() => { ${exit} process.exit(3); }, 100));
`;

/** @returns exit code, or the signal that ended it */
async function run(pipe: string, exit: string, limit: number): Promise<unknown> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program(pipe, exit)], { stdio: "inherit" });
  const late = setTimeout(() => child.kill("SIGKILL"), limit);
  const [code, signal] = await once(child, "exit");
  clearTimeout(late);
  return code ?? signal;
}

test("a thread that hangs in a system call does not keep the process from its end, nor change its exit code", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-exit-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const pipe = join(dir, "pipe");
  assert.equal(await makeFifo(pipe, 0o600), 0);
  assert.equal(await run(pipe, "", 3000), "SIGKILL", "process.exit alone waits for it");
  assert.equal(await run(pipe, "limitExit(3, 300);", 20_000), 3);
  assert.equal(await run(pipe, "limitExit(3, 0);", 20_000), 3);
});
