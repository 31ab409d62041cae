import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { addon, call, getLink, type RawObject, script, udpPair, until } from "./addon-under-test.js";

const ROUNDS = 200;
/** Before the counts are taken: threads, pools and lazily opened descriptors of Node itself. */
const WARM_UP = 10;
/** 0.1 s per round alone, five times that under a sanitizer, and four times that on a busy machine. */
const timeout = (ROUNDS + WARM_UP) * 2000 + 30_000;

/** Descriptors of this process that are no files: sockets, timers, pidfds, pipes of Node's own threads. */
function openFiles(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => linkOf(fd));
  // Node 20 leaves the source file that a worker was reading open when the worker ends just then.
  return links.filter((link) => !link.startsWith("/")).length;
}

/** Empty for the descriptor that readdir itself used. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

/** uv_poll handles in this thread's loop: each of ours is one, and Node has none. */
function polls(): number {
  const report = process.report.getReport() as unknown as { readonly libuv: readonly { readonly type: string }[] };
  return report.libuv.filter(({ type }) => type === "poll").length;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Starts a worker that holds one live handle of every class, and ends it: by terminate(), or by its own exit. */
async function round(i: number): Promise<void> {
  const worker = new Worker(new URL("teardown-worker.js", import.meta.url));
  const exited = once(worker, "exit");
  const [pids] = (await once(worker, "message")) as [number[]];
  if (i % 2 === 0) await worker.terminate();
  else worker.postMessage("exit");
  await exited;
  for (const pid of pids) await until(`script ${pid} is gone with its worker`, () => !isRunning(pid));
}

test(`${ROUNDS} workers end with live handles of every class`, { timeout }, async () => {
  for (let i = 0; i < WARM_UP; i++) await round(i);
  const before = { files: openFiles(), polls: polls() };
  for (let i = 0; i < ROUNDS; i++) await round(i);
  // A worker's last descriptors are closed by its thread just after `exit`.
  await until(`${before.files} descriptors again`, () => openFiles() <= before.files);
  assert.deepEqual({ files: openFiles(), polls: polls() }, before);
});

test("a worker that is ended in the middle of its start", { timeout }, async () => {
  await round(0);
  const before = openFiles();
  for (let i = 0; i < 40; i++) {
    const worker = new Worker(new URL("teardown-worker.js", import.meta.url));
    await once(worker, "online");
    for (let spin = 0; spin < i; spin++) await new Promise((resolve) => setImmediate(resolve));
    await worker.terminate();
  }
  await until(`${before} descriptors again`, () => openFiles() <= before);
});

const nothing = (): void => undefined;

test("opening and closing on one thread leaves nothing", { timeout }, async () => {
  assert.equal(polls(), 0);
  let ended = 0;
  script("exit 0", () => ended++);
  await until("the first script ends", () => ended === 1); // what starts scripts stays
  const before = { files: openFiles(), polls: polls() };
  assert.equal(before.polls, 1);
  for (let i = 0; i < ROUNDS; i++) {
    const netlink = new addon.NetlinkSocket(
      0,
      1 << 16,
      () => undefined,
      () => undefined,
    );
    call(netlink, "send", getLink("lo"));
    const timer = new addon.DeadlineTimer(() => undefined);
    call(timer, "arm", 0);
    const udp = udpPair(new Uint8Array(96), () => undefined);
    for (let n = 0; n < 20; n++) call(udp[1], "send", new Uint8Array(24));
    const opened: RawObject[] = [netlink, timer, new addon.UnixDatagram(), ...udp];
    if (process.geteuid?.() === 0) {
      const localhost = new Uint8Array(16).fill(1, 15);
      const reader = new addon.Ipv6AdvertReader("", 0, localhost, 0, nothing, nothing);
      opened.push(new addon.PacketSocket(), new addon.Ipv4AdvertSender(), new addon.Ipv6AdvertSender("", 0), reader);
    }
    if (i % 10 === 0) script("exit 0", () => ended++);
    assert.ok(polls() >= 3, "the count sees them");
    await new Promise((resolve) => setImmediate(resolve));
    for (const object of opened) object.close();
  }
  await until("the scripts end", () => ended === 1 + ROUNDS / 10);
  await until("the same counts", () => openFiles() === before.files);
  assert.equal(polls(), before.polls);
});
