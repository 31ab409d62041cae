import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { projectRoot } from "../harness/project.js";

const cli = path.join(projectRoot, "dist/main/control/cli.js");

/** The launcher's end of the link (PROTOCOL.md): every pid file is held by process 1. */
async function underLauncher(restarts: number): Promise<{ readonly said: readonly string[]; readonly code: unknown }> {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-busy-"));
  try {
    const config = path.join(dir, "a.conf");
    writeFileSync(config, "global_defs {\n router_id busy\n}\n");
    const pidFile = path.join(dir, "a.pid");
    const args = [cli, "--dont-fork", "--no-syslog", "--log-console", "-f", config, "-p", pidFile];
    const env = { ...process.env, HOLDFAST_LAUNCHER: "1", HOLDFAST_RESTARTS: String(restarts) };
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const link = child.stdio[3] as Socket;
    const said: string[] = [];
    createInterface({ input: link }).on("line", (line) => {
      said.push(line);
      if (line.startsWith("pidfile ")) link.write(`busy 1 ${line.slice("pidfile ".length)}\n`);
    });
    const closed = once(link, "close");
    const [code] = await once(child, "exit");
    await closed;
    return { said: said.map((line) => line.replace(dir, "DIR")), code };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** After `ready` an exit without `stopping` counts as a crash, whatever its code: the next daemon would find the same. */
test("a take-over that finds its pid file taken tells the launcher that this is the end", {
  timeout: 30_000,
}, async () => {
  assert.deepEqual(await underLauncher(1), { said: ["pidfile DIR/a.pid", "stopping"], code: 0 });
});

test("so does a first start, without a word: before `ready` every exit is final", { timeout: 30_000 }, async () => {
  assert.deepEqual(await underLauncher(0), { said: ["pidfile DIR/a.pid"], code: 0 });
});
