import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { needs } from "../harness/needs.js";
import { projectRoot } from "./addon-under-test.js";
import type { Found } from "./hostile-network-checks.js";
import { PATIENCE_MS, rows } from "./hostile-network-rows.js";

/**
 * PING_CHECK against who answers wrongly, and each checker against what routers say: always one verdict, within the check's own time,
 * no descriptor left, and the engine is free for the next one. Servers of the other checks are in hostile-servers.test.ts.
 */

const near = `holdfast-hostile-${process.pid}-a`;
const far = `holdfast-hostile-${process.pid}-b`;

const network = [
  `-n ${near} link set lo up`,
  `-n ${near} link add wire type veth peer name wire netns ${far}`,
  `-n ${near} addr add 10.77.0.1/24 dev wire`,
  `-n ${far} addr add 10.77.0.2/24 dev wire`,
  `-n ${near} link set wire up`,
  `-n ${far} link set wire up`,
  `-n ${near} route add 10.77.0.0/16 via 10.77.0.2`,
  // What is for nobody here is dropped without a word: the program says what is to be said.
  `netns exec ${far} sysctl -qw net.ipv4.ip_forward=0`,
];

/** Timer, scheduling, other work of the machine. */
const SLACK_MS = 2000;

const skip = needs("root", "netns", "native");

describe("hostile networks", { skip, timeout: 300_000 }, () => {
  let found: readonly Found[] = [];
  before(async () => {
    const made: string[] = [];
    try {
      for (const name of [near, far]) {
        execFileSync("ip", ["netns", "add", name]);
        made.push(name);
      }
      for (const line of network) execFileSync("ip", line.split(" "));
      found = await checked();
    } finally {
      for (const name of made) execFileSync("ip", ["netns", "del", name]);
    }
  });

  for (const [i, { name, verdicts }] of rows.entries())
    test(name, () => {
      const { got, took, detail } = found[i] ?? assert.fail("not run");
      assert.ok(verdicts.includes(got), `${got}, detail ${detail}`);
      if (!got.startsWith("timeout")) return; // the others end before their time limit, or would be a timeout
      assert.ok(took >= PATIENCE_MS - 1 && took < PATIENCE_MS + SLACK_MS, `${took} ms`);
    });
});

async function checked(): Promise<readonly Found[]> {
  const script = `${projectRoot}/test/native/hostile_network.py`;
  const others = spawn("ip", ["netns", "exec", far, "python3", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(others.stdout, "data");
    const program = fileURLToPath(new URL("hostile-network-checks.js", import.meta.url));
    const { stdout } = await promisify(execFile)("ip", ["netns", "exec", near, process.execPath, program]);
    return JSON.parse(stdout) as readonly Found[];
  } finally {
    const gone = once(others, "exit");
    others.kill();
    await gone;
  }
}
