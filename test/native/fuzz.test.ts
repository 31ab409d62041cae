import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../harness/needs.js";
import { projectRoot } from "./addon-under-test.js";

/** The kept cases first, then ten seconds of new ones; `node scripts/fuzz.mjs` goes on for longer. */
for (const target of ["http_reader", "body_pattern", "exchange"]) {
  // Compiling with sanitizers takes a minute on a busy machine, and several on a slow one.
  const options = { skip: needs("clang"), timeout: 500_000 };
  test(`fuzzing ${target}`, options, async (t) => {
    const script = join(projectRoot, "scripts/fuzz.mjs");
    const child = spawn(process.execPath, [script, "--seconds", "10", target], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // compiler and fuzzer go with it
    });
    t.after(() => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const [code] = await once(child, "close");
    assert.ok(code === 0, output.slice(-8000));
    const executed = /stat::number_of_executed_units:\s*(\d+)/.exec(output)?.[1];
    assert.ok(Number(executed) > 100, `only ${executed} cases were run`);
  });
}
