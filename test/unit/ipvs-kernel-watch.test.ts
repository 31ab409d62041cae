import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { DaemonError } from "../../main/errors.js";
import type { Standing } from "../../main/ipvs/backend.js";
import { KernelBackend } from "../../main/ipvs/kernel-backend.js";
import { KernelWatch } from "../../main/ipvs/kernel-watch.js";
import type { OpenSocket } from "../../main/netlink/connection.js";
import { type Answer, FakeNetlink } from "../harness/fake-netlink.js";
import { sampleEntry } from "../harness/ipvs-samples.js";
import { HandClock, rest, Stand } from "../harness/ipvs-stand.js";
import { recordingLog } from "./notify-support.js";

const GENL_ID_CTRL = 0x10;
const familyAnswer: Answer = [{ type: GENL_ID_CTRL, payload: Buffer.from("01020000060001007401", "hex") }];
const modules = { hasIpvs: () => true, load: () => Promise.resolve() };

test("a count that cannot be read any more means that the module is gone, until IPVS is opened again", async () => {
  const kernel = new FakeNetlink((request) => (request.type === GENL_ID_CTRL ? familyAnswer : 0));
  const backend = new KernelBackend({ openSocket: kernel.open, modules, countPath: tmpdir() }); // reading a folder fails
  await backend.open();
  assert.equal(await backend.standing(), "good");
  assert.equal(backend.serviceCountHint(), undefined);
  assert.equal(backend.serviceCountHint(), undefined);
  assert.equal(await backend.standing(), "unloaded");
  await backend.open();
  assert.equal(await backend.standing(), "good");
  backend.close();
});

test("a dump of a family that the kernel does not have means the same", async () => {
  const kernel = new FakeNetlink((request) => {
    if (request.type === GENL_ID_CTRL) return familyAnswer;
    return request.payload[0] === 4 ? 2 : 0;
  });
  const backend = new KernelBackend({ openSocket: kernel.open, modules });
  await backend.open();
  assert.deepEqual(await backend.dumpServices(), { kind: "unreliable", why: "the kernel has no IPVS any more" });
  assert.equal(await backend.standing(), "unloaded");
  backend.close();
});

test("another file under the name of the namespace is another namespace; what was open stays when opening fails", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-ns-"));
  try {
    const [namespacePath, second] = [path.join(dir, "lvs"), path.join(dir, "second")];
    writeFileSync(namespacePath, "");
    writeFileSync(second, "");
    let family: Answer = familyAnswer;
    const openSocket: OpenSocket = (...given) =>
      new FakeNetlink((request) => (request.type === GENL_ID_CTRL ? family : 0)).open(...given);
    const backend = new KernelBackend({ openSocket, modules, namespacePath });
    await backend.open();
    assert.equal(await backend.standing(), "good");
    rmSync(namespacePath);
    assert.equal(await backend.standing(), "nameless");
    renameSync(second, namespacePath);
    assert.equal(await backend.standing(), "moved");
    family = 2;
    await assert.rejects(backend.open(), { code: "E_IPVS_MISSING" });
    assert.equal(await backend.standing(), "moved");
    family = familyAnswer;
    await backend.open();
    assert.equal(await backend.standing(), "good");
    backend.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

async function watching(standings: readonly Standing[], opens: () => boolean) {
  const clock = new HandClock();
  const { log, lines } = recordingLog();
  const found = [...standings];
  let reopened = 0;
  const backend = {
    standing: () => Promise.resolve(found[0] ?? "good"),
    open: async () => {
      if (!opens()) throw new DaemonError("E_IPVS_MISSING", "no IPVS");
      found.length = 0;
    },
  };
  const onReopened = async (): Promise<void> => void reopened++;
  const watch = new KernelWatch({ clock, log, backend, namespace: "lvs", onReopened });
  watch.start();
  const events = (): string[] => lines.map(({ event }) => event);
  return { clock, watch, found, events, lines, reopened: () => reopened };
}

test("what stays wrong is said once, what is new again is opened within a second, and looked for ever less often", async () => {
  let opens = false;
  const { clock, watch, events, lines, reopened } = await watching(["unloaded"], () => opens);
  await clock.pass(120_000);
  assert.deepEqual(events(), ["ipvs.lost"]);
  assert.match(lines[0]?.sentence ?? "", /unloaded.*nothing is balanced.*no IPVS/);
  opens = true;
  await clock.pass(30_000);
  assert.deepEqual(events(), ["ipvs.lost", "ipvs.reopened"]);
  assert.equal(reopened(), 1);
  await watch.stop();
  assert.equal(clock.pending, 0);
});

test("a namespace whose name is gone is said once; a new one of this name is opened, and a second loss is said anew", async () => {
  const { clock, watch, found, events, reopened } = await watching(["nameless"], () => true);
  await clock.pass(10_000);
  assert.deepEqual(events(), ["ipvs.namespace-gone"]);
  assert.equal(reopened(), 0);
  found[0] = "moved";
  await clock.pass(1000);
  assert.deepEqual(events(), ["ipvs.namespace-gone", "ipvs.reopened"]);
  assert.equal(reopened(), 1);
  found[0] = "nameless";
  await clock.pass(3000);
  assert.equal(events().at(-1), "ipvs.namespace-gone");
  await watch.stop();
});

test("a writer that starts over writes the whole table into a kernel that has nothing of it, and nothing into one that has all", async () => {
  const stand = new Stand();
  await stand.start(sampleEntry("10.0.0.1", "10.0.0.2"));
  for (const _ of stand.writer.startOver());
  await rest();
  assert.deepEqual(stand.sent, []);
  const before = await stand.kernel();
  await stand.backend.flush();
  for (const _ of stand.writer.startOver());
  await rest();
  assert.deepEqual(await stand.kernel(), before);
  await stand.writer.stop({ release: "ours" });
  assert.deepEqual(await stand.kernel(), {});
});
