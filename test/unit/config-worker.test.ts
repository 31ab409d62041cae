import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { copyBefore, readAnyAccepted, readEarlier } from "../../main/config/accepted.js";
import type { LoadOrder } from "../../main/config/config-protocol.js";
import { sameButForPositions } from "../../main/config/difference.js";
import { createHost } from "../../main/config/host.js";
import { loadConfig } from "../../main/config/load.js";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { startConfigThread } from "../../main/control/config-thread.js";
import { readConfigHere } from "../../main/control/read-at-start.js";
import { readConfigAside, readConfigAtStart } from "../../main/control/reload.js";
import { needs } from "../harness/needs.js";

const timeout = 20_000;

const farm = (weight: number): string => `
global_defs {
 router_id left
}
virtual_server 192.0.2.1 80 {
 protocol TCP
 real_server 10.0.0.1 80 {
 }
}
virtual_server 192.0.2.2 80 {
 protocol TCP
 real_server 10.0.0.1 80 {
 }
 real_server 10.0.0.2 80 {
  weight ${weight}
 }
}
`;

/** A folder for a configuration and its copy. */
function place(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.conf");
  const write = (content: string): void => writeFileSync(file, content);
  write(text);
  return { file, write, keepAt: join(folder, "copy") };
}

test("the config worker says what it found, and gives nothing of a file with errors", { timeout }, async (t) => {
  const { file, keepAt } = place(t, "global_defs {\n nonsense\n}\n");
  const answer = await readConfigAside({ kind: "load", purpose: "reload", file, keepAt }, undefined);
  assert.equal(answer.kind, "errors");
  assert.match(
    answer.kind === "errors" ? answer.findings.join() : "",
    /^\(.*a\.conf: Line 2\) Unknown keyword 'nonsense'/,
  );
  assert.equal(existsSync(keepAt), false, "what is refused is not what is in force");
  assert.equal(
    (await readConfigAside({ kind: "load", purpose: "reload", file: `${file}.none` }, undefined)).kind,
    "missing",
  );
});

test("a start has its configuration before the copy is written, and says when", { timeout }, async (t) => {
  const { file, keepAt } = place(t, farm(1));
  const start = await readConfigAtStart({ kind: "load", purpose: "start", file, configId: "x", keepAt });
  assert.ok(start.kind === "good");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(existsSync(keepAt), false, "nobody has asked for it");
  const { edition } = await start.keep();
  assert.ok(edition !== undefined);
  const copy = readAnyAccepted(keepAt);
  assert.deepEqual([copy?.edition, copy?.config], [edition, start.config]);
});

test("a first start reads by itself, and its copy is the one that a reload compares with", { timeout }, async (t) => {
  const { file, write, keepAt } = place(t, farm(1));
  const order = { kind: "load", purpose: "start", file, configId: "x", keepAt } as const;
  const start = readConfigHere(order);
  assert.ok(start.kind === "good");
  assert.equal(existsSync(keepAt), false, "nobody has asked for it");
  const { edition } = await start.keep();
  assert.ok(edition !== undefined);
  assert.deepEqual(readAnyAccepted(keepAt), { edition, config: start.config });
  assert.equal(statSync(keepAt).mode & 0o777, 0o600);
  write(farm(2));
  const reload = await readConfigAside({ ...order, purpose: "reload", running: edition }, start.config);
  assert.ok(reload.kind === "good");
  assert.equal(reload.config.virtualServers[0], start.config.virtualServers[0], "the same object");
  assert.notEqual(reload.config.virtualServers[1], start.config.virtualServers[1]);
});

test("a first start without a file says so, and a copy that cannot be written is no failure", {
  timeout,
}, async (t) => {
  const { file } = place(t, farm(1));
  assert.equal(readConfigHere({ kind: "load", purpose: "start", file: `${file}.none` }).kind, "missing");
  const start = readConfigHere({ kind: "load", purpose: "start", file, keepAt: `${file}/copy` });
  assert.ok(start.kind === "good");
  assert.deepEqual(await start.keep(), { edition: undefined, reason: "ENOTDIR" });
});

for (const { who, read } of [
  { who: "this thread", read: async (order: LoadOrder) => readConfigHere(order) },
  { who: "the config thread", read: (order: LoadOrder) => readConfigAtStart(order) },
]) {
  test(`a copy that ${who} writes is given up by whoever leaves`, { timeout }, async (t) => {
    const { file, keepAt } = place(t, farm(40));
    const start = await read({ kind: "load", purpose: "start", file, configId: "x", keepAt });
    assert.ok(start.kind === "good");
    const leaving = new AbortController();
    const keeping = start.keep(leaving.signal);
    leaving.abort();
    assert.equal((await keeping).edition, undefined);
    assert.deepEqual([existsSync(keepAt), existsSync(`${keepAt}.new`)], [false, false]);
  });
}

test("a torn copy is none", { timeout }, async (t) => {
  const { file, keepAt } = place(t, farm(1));
  const start = readConfigHere({ kind: "load", purpose: "start", file, keepAt });
  assert.ok(start.kind === "good");
  await start.keep();
  const whole = readFileSync(keepAt);
  for (const octets of [0, 3, 40, whole.length >> 1, whole.length - 1]) {
    writeFileSync(keepAt, whole.subarray(0, octets));
    assert.equal(readAnyAccepted(keepAt), undefined, `${octets} octets of it`);
  }
});

test("a reload shares with the running configuration what did not change, whoever read that one", {
  timeout,
}, async (t) => {
  const { file, write, keepAt } = place(t, farm(1));
  const first = { kind: "load", purpose: "start", file, configId: "x", keepAt } as const;
  const start = await readConfigAside(first, undefined, { thread: startConfigThread() });
  assert.ok(start.kind === "good" && start.kept.edition !== undefined);
  const { config: running, kept } = start;
  const read = loadConfig(file, createHost({ configId: "x" })).config;
  assert.ok(sameButForPositions(running, read), "but for the lines of real servers, which are those of their service");
  const [service] = running.virtualServers;
  assert.ok(service?.realServers.every(({ at }) => at === service.at));
  assert.deepEqual([readAnyAccepted(keepAt)?.config, statSync(keepAt).mode & 0o777], [running, 0o600]);

  write(`# moved\n${farm(2)}`);
  const order = { kind: "load", purpose: "reload", file, configId: "x", keepAt, running: kept.edition } as const;
  const second = await readConfigAside(order, running);
  assert.ok(second.kind === "good" && second.kept.edition !== undefined);
  const { virtualServers } = second.config;
  assert.deepEqual(virtualServers[1]?.realServers[1]?.weight, 2);
  assert.equal(virtualServers[0], running.virtualServers[0]);
  assert.equal(virtualServers[1]?.realServers[0], running.virtualServers[1]?.realServers[0]);
  assert.notEqual(second.kept.edition, kept.edition);

  const third = await readConfigAside({ ...order, running: second.kept.edition }, second.config);
  assert.ok(third.kind === "good");
  assert.equal(third.config.virtualServers, virtualServers, "nothing changed: the same list");

  const stale = await readConfigAside(order, running); // of an edition that is not on disk any more
  assert.ok(stale.kind === "good");
  assert.ok(sameButForPositions(stale.config, third.config));
  assert.notEqual(stale.config.virtualServers[0], running.virtualServers[0], "everything counts as changed");
});

test("a reload without change leaves the copy as it is", { timeout }, async (t) => {
  const { file, keepAt } = place(t, farm(1));
  const start = await readConfigAside({ kind: "load", purpose: "start", file, keepAt }, undefined);
  assert.ok(start.kind === "good");
  const { edition } = start.kept;
  const inode = statSync(keepAt).ino;
  const same = await readConfigAside({ kind: "load", purpose: "reload", file, keepAt, running: edition }, start.config);
  assert.ok(same.kind === "good");
  assert.deepEqual([same.kept.edition, statSync(keepAt).ino], [edition, inode]);
});

test("a start takes what has errors, a take-over does not", { timeout }, async (t) => {
  const { file, keepAt } = place(t, `${farm(1)}\nnonsense\n`);
  const refused = await readConfigAside({ kind: "load", purpose: "take-over", file, keepAt }, undefined);
  assert.deepEqual([refused.kind, existsSync(keepAt)], ["errors", false]);
  const taken = await readConfigAside({ kind: "load", purpose: "start", file, keepAt }, undefined);
  assert.ok(taken.kind === "good");
  const unknown = taken.findings.filter((line) => line.includes("Unknown keyword"));
  assert.deepEqual([taken.config.virtualServers.length, unknown.length], [2, 1]);
  assert.equal(taken.kept.edition, readAnyAccepted(keepAt)?.edition);
});

test("a copy that cannot be written is no reason to refuse", { timeout }, async (t) => {
  const { file } = place(t, farm(1));
  const answer = await readConfigAside(
    { kind: "load", purpose: "reload", file, keepAt: `${file}/no-directory` },
    undefined,
  );
  assert.deepEqual(answer.kind === "good" && answer.kept, { edition: undefined, reason: "ENOTDIR" });
});

test("a configuration that is being read does not hold up a stop", { timeout: 20_000 }, async () => {
  const leaving = new AbortController();
  const order = { kind: "load", purpose: "reload", file: "/none.conf", configId: "x" } as const;
  const answer = readConfigAside(order, undefined, { signal: leaving.signal });
  leaving.abort();
  assert.deepEqual(await answer, { kind: "failed", why: "it was given up" });
});

for (const { how, last, why } of [
  { how: "throws", last: "throw new Error('a bug of the parser')", why: /^a bug of the parser$/ },
  { how: "ends", last: "process.exit(7)", why: /^its thread ended with 7$/ },
  {
    how: "has no memory left",
    last: "const all = []; for (;;) all.push(new Array(10000).fill(0))",
    why: /memory limit|out of memory/i,
  },
]) {
  test(`a config thread that ${how} in the middle of an answer: the reload fails, the next one is done`, {
    timeout,
  }, async (t) => {
    const { file } = place(t, farm(1));
    const order = { kind: "load", purpose: "reload", file } as const;
    const code = `const { parentPort } = require("node:worker_threads");
      parentPort.once("message", () => {
        parentPort.once("message", () => { ${last} });
        parentPort.postMessage({ kind: "findings", lines: ["the first half"] });
      });`;
    const thread = new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const answer = await readConfigAside(order, undefined, { thread });
    assert.ok(answer.kind === "failed");
    assert.match(answer.why, why);
    assert.equal((await readConfigAside(order, undefined)).kind, "good");
  });
}

test("a conversation that is over leaves nothing with the signal that would have ended it", { timeout }, async (t) => {
  const { file } = place(t, farm(1));
  const { signal } = new AbortController();
  const answer = await readConfigAside({ kind: "load", purpose: "reload", file }, undefined, { signal });
  assert.equal(answer.kind, "good");
  assert.equal(getEventListeners(signal, "abort").length, 0); // with each its thread would be kept
});

test("a file of the kernel that has nothing to say yet is not waited for", {
  skip: process.getuid?.() === 0 && existsSync("/proc/kmsg") ? false : "needs root and /proc/kmsg",
  timeout: 5000,
}, () => {
  createHost().readFile("/proc/kmsg");
});

test("the real host knows users, groups, files and interfaces", () => {
  const host = createHost({ configId: "x" });
  assert.deepEqual([host.configId, host.user("root")?.uid, host.userName(0), host.group("root")], ["x", 0, "root", 0]);
  assert.deepEqual(
    [host.interfaceExists("lo"), host.interfaceExists("no-such-if"), host.interfaceExists("../lo")],
    [true, false, false],
  );
  assert.deepEqual(host.stat("/"), { ...host.stat("/"), kind: "directory", uid: 0 });
  assert.deepEqual(host.readFile("/no/such/file"), { kind: "unreadable", why: "ENOENT" });
  assert.deepEqual(host.readFile("/"), { kind: "unreadable", why: "EISDIR" });
  assert.deepEqual(host.readFile("/dev/zero"), { kind: "unreadable", why: "not a regular file" });
});

const instance = (name: string, id: number, addresses: string): string =>
  `vrrp_instance ${name} {\n interface lo\n virtual_router_id ${id}\n virtual_ipaddress {\n ${addresses}\n }\n}\n`;

/** What a take-over, or a reload, says of instances that earlier configurations had. */
async function left(order: Omit<LoadOrder, "kind">): Promise<readonly string[] | undefined> {
  const answer = await readConfigAside({ kind: "load", ...order }, undefined);
  assert.ok(answer.kind === "good" && answer.kept.edition !== undefined);
  const named = (one: VrrpInstanceConfig): string =>
    `${one.name} ${one.virtualAddresses.map(({ address }) => address).join()}`;
  return answer.kept.left?.map(named);
}

test("a take-over says which instances the copy had otherwise, before it is replaced", { timeout }, async (t) => {
  const before =
    instance("A", 1, "192.0.2.1") + instance("B", 2, "192.0.2.2\n 192.0.2.3") + instance("C", 3, "192.0.2.4");
  const { file, write, keepAt } = place(t, before);
  const takeOver = () => left({ purpose: "take-over", file, keepAt });
  assert.equal(await takeOver(), undefined, "there is no copy yet");
  assert.equal(await takeOver(), undefined, "nothing has changed");
  rmSync(copyBefore(keepAt));
  write(instance("B", 2, "192.0.2.2") + instance("A", 1, "192.0.2.1"));
  const gone = ["B 192.0.2.2,192.0.2.3", "C 192.0.2.4"];
  assert.deepEqual(await takeOver(), gone);
  assert.deepEqual(await takeOver(), gone, "a crash before they were removed");
  rmSync(copyBefore(keepAt)); // as the daemon does when they are
  assert.equal(await takeOver(), undefined, "the copy is of what is in force now");
});

test("a crash in the middle of a reload: the take-over knows what the reload was removing", { timeout }, async (t) => {
  const { file, write, keepAt } = place(t, instance("A", 1, "192.0.2.1") + instance("B", 2, "192.0.2.2"));
  const start = readConfigHere({ kind: "load", purpose: "start", file, keepAt });
  assert.ok(start.kind === "good");
  await start.keep();
  assert.equal(existsSync(copyBefore(keepAt)), false);
  const reload = () => left({ purpose: "reload", file, keepAt });
  write(instance("A", 1, "192.0.2.1"));
  await reload();
  const { mode, uid } = statSync(copyBefore(keepAt));
  assert.deepEqual([mode & 0o777, uid], [0o600, process.getuid?.()]);
  assert.deepEqual(
    readEarlier(keepAt).map(({ vrrpInstances }) => vrrpInstances.length),
    [1, 2],
  );
  // The next one, which never heard of it, reloads before anybody has removed anything; then it crashes as well.
  write(instance("A", 1, "192.0.2.9"));
  await reload();
  assert.equal(statSync(copyBefore(keepAt)).mode & 0o777, 0o600);
  assert.deepEqual(await left({ purpose: "take-over", file, keepAt }), ["A 192.0.2.1", "B 192.0.2.2"]);
});

test("a reload that ends with the same configuration, or with errors, keeps no second copy", { timeout }, async (t) => {
  const { file, write, keepAt } = place(t, farm(1));
  const start = readConfigHere({ kind: "load", purpose: "start", file, configId: "x", keepAt });
  assert.ok(start.kind === "good");
  const { edition } = await start.keep();
  const order = { kind: "load", purpose: "reload", file, configId: "x", keepAt, running: edition } as const;
  assert.equal((await readConfigAside(order, start.config)).kind, "good");
  write("nonsense\n");
  assert.equal((await readConfigAside(order, start.config)).kind, "errors");
  assert.equal(existsSync(copyBefore(keepAt)), false);
});

test("where the copy before cannot be kept, the copy is not replaced", { timeout }, async (t) => {
  const { file, write, keepAt } = place(t, farm(1));
  const start = readConfigHere({ kind: "load", purpose: "start", file, keepAt });
  assert.ok(start.kind === "good");
  const { edition } = await start.keep();
  mkdirSync(copyBefore(keepAt)); // somebody's folder
  write(farm(2));
  const order = { kind: "load", purpose: "reload", file, keepAt, running: edition } as const;
  const answer = await readConfigAside(order, start.config);
  assert.ok(answer.kind === "good");
  assert.equal(answer.kept.edition, undefined);
  assert.equal(readAnyAccepted(keepAt)?.edition, edition);
});

test("a copy that somebody else wrote, or a link to one, is none", { timeout, skip: needs("root") }, async (t) => {
  const { file, keepAt } = place(t, farm(1));
  const start = await readConfigAtStart({ kind: "load", purpose: "start", file, configId: "x", keepAt });
  assert.ok(start.kind === "good");
  await start.keep();
  symlinkSync(keepAt, `${keepAt}.link`);
  assert.notEqual(readAnyAccepted(keepAt), undefined);
  assert.equal(readAnyAccepted(`${keepAt}.link`), undefined);
  chownSync(keepAt, 65_534, 65_534);
  assert.equal(readAnyAccepted(keepAt), undefined);
  symlinkSync(keepAt, copyBefore(keepAt));
  assert.deepEqual(readEarlier(keepAt), []);
  await left({ purpose: "reload", file, keepAt });
  assert.equal(readEarlier(keepAt).length, 1, "what is somebody else's is not taken for what was in force before");
});
