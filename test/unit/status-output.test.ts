import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { ControlSocket } from "../../main/control/control-socket.js";
import type { StatusDocument } from "../../main/control/status.js";
import { ms } from "../../main/units.js";
import { compiled } from "../harness/project.js";

const servers = 20_000;
const large: StatusDocument = {
  version: "0.1.0",
  pid: 42,
  instances: [],
  virtualServers: [
    {
      vs: "[10.9.0.1]:tcp:80",
      scheduler: "rr",
      quorumUp: true,
      realServers: Array.from({ length: servers }, (_, i) => ({ rs: `[10.9.0.2]:tcp:${i}`, state: "up", weight: 1 })),
    },
  ],
  ipvs: { backend: "memory", services: 1, destinations: servers, pollPeriodMs: 1000, drift: 0 },
  latency: {},
  loopDelay: { p50: ms(0), p99: ms(0), max: ms(0), count: 0, late: 0, worstLate: ms(0), causes: {} },
  log: { dropped: 0 },
};

/** `holdfast status --json` beside a daemon with a large farm. */
async function status(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-status-"));
  const socket = path.join(dir, "holdfast.sock");
  const server = await ControlSocket.open(socket, () => large);
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });
  const argv = [compiled("main/control/cli.ts"), "status", "--json", "--control-socket", socket];
  return spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
}

test("a status that is larger than a pipe arrives whole", { timeout: 20_000 }, async (t) => {
  const child = await status(t);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(text), large);
});

test("a reader that has seen enough is no error", { timeout: 20_000 }, async (t) => {
  const child = await status(t);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    complaint += chunk;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  assert.deepEqual([code, complaint], [0, ""]);
});
