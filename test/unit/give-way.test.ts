import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { besideFor } from "../../main/control/give-way.js";
import { WayForKeepalived } from "../../main/control/way-for-keepalived.js";
import { load } from "./config-fake-host.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** keepalived reads its configuration and asks its servers for 3 s, and claims within four of the longest advert interval. */
const BESIDE_MS = 3000 + 4 * 2000;

const { config } =
  load(`vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nadvert_int 1\nvirtual_ipaddress {\n192.0.2.1\n}\n}
vrrp_instance B {\ninterface eth0\nvirtual_router_id 2\nadvert_int 2\nvirtual_ipaddress {\n192.0.2.2\n}\n}\n`);

function scene(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-way-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, "keepalived.pid");
  writeFileSync(file, "1\n");
  const clock = new HandClock();
  const { log, lines } = recordingLog();
  const seen = { pid: undefined as number | undefined, keeps: [] as boolean[], claimed: [] as string[], served: false };
  const way = new WayForKeepalived({
    clock,
    log,
    supervisor: {
      pidFile: (claimed) => {
        seen.claimed.push(claimed);
        return Promise.resolve({ kind: "ok" });
      },
    },
    processes: {
      pidIn: () => seen.pid,
      program: () => "keepalived",
      state: () => "S",
      childrenOf: () => [],
      signal: () => true,
    },
    pidFiles: [
      { path: file, option: "--pid" },
      { path: path.join(dir, "none.pid"), option: "--vrrp_pid" },
    ],
    keep: (keeps) => seen.keeps.push(keeps),
  });
  void way.served.then(() => {
    seen.served = true;
  });
  return { file, clock, lines, seen, way, config: config ?? assert.fail() };
}

test("a keepalived that is started serves, and then this daemon ends with nothing released", async (t) => {
  const { file, clock, seen, way, config } = scene(t);
  assert.equal(besideFor(config), BESIDE_MS);
  assert.deepEqual(await way.give(config), { giveWay: { pid: process.pid, patienceMs: 60_000, besideMs: BESIDE_MS } });
  assert.deepEqual([existsSync(file), seen.keeps], [false, [true]]);
  assert.deepEqual(await way.give(config), { error: "it is giving way already" });
  clock.advance(30_000);
  seen.pid = 4711;
  clock.advance(BESIDE_MS);
  await turn();
  assert.deepEqual([way.leavesAll, seen.served], [false, false]);
  clock.advance(400);
  await turn();
  assert.deepEqual([way.leavesAll, seen.served, seen.claimed], [true, true, []]);
});

test("one that ends again is waited for anew", async (t) => {
  const { clock, seen, way, config } = scene(t);
  await way.give(config);
  for (const pid of [4711, undefined, 4712]) {
    seen.pid = pid;
    clock.advance(BESIDE_MS - 1000);
  }
  await turn();
  assert.equal(seen.served, false);
  clock.advance(1400);
  await turn();
  assert.equal(seen.served, true);
});

test("nobody comes: all is as before, and the pid files are ours again", async (t) => {
  const { file, clock, lines, seen, way, config } = scene(t);
  await way.give(config);
  clock.advance(60_200);
  await turn();
  assert.deepEqual([seen.keeps, seen.claimed[0], way.leavesAll, seen.served], [[true, false], file, false, false]);
  assert.equal(lines.at(-1)?.sentence, "No keepalived was started: going on as before");
  assert.ok("giveWay" in (await way.give(config)), "it can be asked again");
});

test("a stop that comes with the start of keepalived waits until that one serves", async (t) => {
  const { clock, seen, way, config } = scene(t);
  await way.mayStop(); // nobody gives way: at once
  await way.give(config);
  let stops = 0;
  void way.mayStop().then(() => stops++);
  clock.advance(1000);
  seen.pid = 4711;
  void way.mayStop().then(() => stops++);
  clock.advance(BESIDE_MS);
  await turn();
  assert.deepEqual([stops, way.leavesAll], [0, false]);
  clock.advance(400);
  await turn();
  assert.deepEqual([stops, way.leavesAll], [2, true]);
});

test("a stop without a keepalived is a stop, three seconds later", async (t) => {
  const { clock, seen, way, config } = scene(t);
  await way.give(config);
  let stops = 0;
  void way.mayStop().then(() => stops++);
  clock.advance(2800);
  await turn();
  assert.equal(stops, 0);
  clock.advance(600);
  await turn();
  assert.deepEqual([stops, way.leavesAll, seen.served], [1, false, false]);
});

test("a pid file that cannot be removed: nothing changes", async (t) => {
  const { file, clock, seen, way, config } = scene(t);
  rmSync(file);
  mkdirSync(file);
  const answer = await way.give(config);
  assert.ok("error" in answer && /Cannot remove the pid file .* \((EISDIR|EPERM)\)/.test(answer.error));
  clock.advance(100_000);
  await turn();
  assert.deepEqual([seen.keeps, seen.served], [[true, false], false]);
});
