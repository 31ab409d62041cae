import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseLauncherLine } from "../../main/control/signals.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { isAwaited, LAUNCHER_WAITS, upgradeBy } from "../../main/control/upgrade.js";
import { askUpgrade, untilInService } from "../../main/control/upgrade-client.js";
import { whyUnfit } from "../../main/control/upgrade-fitness.js";
import { version } from "../../main/control/version.js";
import type { Log } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";
import { projectRoot } from "../harness/project.js";

const nothing = Buffer.alloc(12);
const silent: Log = Object.assign(() => {}, { detail: false });

test("a spare is fit for the launcher's protocol, and for state that it can read", () => {
  const slab = Buffer.alloc(4096);
  new StateSlab(slab).set("health", "a", 1);
  assert.equal(whyUnfit("1", nothing), undefined);
  assert.equal(whyUnfit("1", slab.subarray(0, 12)), undefined);
  assert.match(whyUnfit("2", nothing) ?? "", /another launcher .*protocol 2 instead of 1.* restart/);
  assert.match(whyUnfit(undefined, nothing) ?? "", /protocol 0 instead of 1/);
  slab.writeUInt32LE(2, 8);
  assert.match(whyUnfit("1", slab.subarray(0, 12)) ?? "", /cannot read the state/);
});

test("what the launcher says of an upgrade", () => {
  const ready = { kind: "ready", pid: 17, version: "2.0.0-rc 1" };
  assert.deepEqual(parseLauncherLine("upgrade-to 17 2.0.0-rc 1"), { kind: "upgrade", verdict: ready });
  assert.equal(parseLauncherLine("upgrade-to x 2"), undefined);
  assert.equal(parseLauncherLine("upgrade-to 17"), undefined);
  const refused = { kind: "refused", why: "it ended (exit code 1)" };
  assert.deepEqual(parseLauncherLine("no-upgrade it ended (exit code 1)"), { kind: "upgrade", verdict: refused });
});

test("the answer names both versions, or why the daemon goes on", async () => {
  const from = { version, pid: process.pid };
  const ready = { upgrade: () => Promise.resolve({ kind: "ready", pid: 17, version: "2" } as const) };
  assert.deepEqual(await upgradeBy(ready, true, silent), { upgrade: { from, to: { version: "2", pid: 17 } } });
  const goesOn = `version ${version} (pid ${process.pid}) goes on`;
  const starting = { error: `Not upgraded: the daemon is starting or leaving; ${goesOn}` };
  assert.deepEqual(await upgradeBy(ready, false, silent), starting);
  const refuses = { upgrade: () => Promise.resolve({ kind: "refused", why: "it hangs" } as const) };
  assert.deepEqual(await upgradeBy(refuses, true, silent), { error: `Not upgraded: it hangs; ${goesOn}` });
});

test("a daemon that was kept from making way stays when the launcher waits no longer", () => {
  assert.deepEqual([isAwaited(ms(1000), ms(25_999)), isAwaited(ms(1000), ms(26_000))], [true, false]);
});

test("the limits of the launcher are those that daemon and command go by", () => {
  const source = readFileSync(join(projectRoot, "native-bindings/launcher/supervisor_upgrade.cc"), "utf8");
  for (const name of ["kLoadsWithinMs", "kMakesWayWithinMs"]) {
    const [, milliseconds = ""] = new RegExp(`${name} = ([\\d']+);`).exec(source) ?? [];
    assert.equal(Number(milliseconds.replaceAll("'", "")), LAUNCHER_WAITS, name);
  }
});

test("the command reads the answer, and says when the new one never answers", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-upgrade-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "sock");
  const upgrade = { from: { version: "1", pid: 1 }, to: { version: "2", pid: 2 } };
  const replies = [JSON.stringify({ upgrade }), '{"upgrade":{"from":1}}', '{"error":"Not upgraded: it hangs"}'];
  const server = createServer((socket) => socket.once("data", () => socket.end(`${replies.shift() ?? "{}"}\n`)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  assert.deepEqual(await askUpgrade(path), upgrade);
  await assert.rejects(askUpgrade(path), /no holdfast of this version/);
  await assert.rejects(askUpgrade(path), /refused: Not upgraded: it hangs/);
  await assert.rejects(untilInService(path, upgrade.to, ms(300)), {
    code: "E_UPGRADE",
    message: /Version 2 \(pid 2\)/,
  });
});
