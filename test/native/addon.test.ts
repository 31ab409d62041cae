import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { addon, addonFile, call, getLink, notStarted, script, until } from "./addon-under-test.js";

const timeout = 60_000;
const { errno, signals } = constants;

test("netlink: requests and their answers, many datagrams in order", { timeout }, async () => {
  const datagrams: Buffer[] = [];
  using socket = new addon.NetlinkSocket(0, 1 << 20, (bytes: Buffer) => datagrams.push(bytes), assert.fail);
  assert.ok(Number(socket["portId"]) > 0);
  for (let i = 0; i < 200; i++) assert.equal(call(socket, "send", getLink("lo")), 0);
  await until("200 answers", () => datagrams.length === 200);
  const [first] = datagrams;
  assert.equal(first?.readUInt16LE(4), 16, "RTM_NEWLINK");
  assert.ok(
    datagrams.every((d) => d.equals(first)),
    "copies, not the receive buffer",
  );
  call(socket, "send", getLink("all"));
  await until("the end of the dump", () => datagrams.at(-1)?.subarray(-20).readUInt16LE(4) === 3); // NLMSG_DONE
});

test("netlink: lost answers are ENOBUFS, and the socket goes on", { timeout }, async () => {
  const errors: number[] = [];
  let answers = 0;
  using socket = new addon.NetlinkSocket(
    0,
    0,
    () => answers++,
    (e: number) => errors.push(e),
  );
  for (let i = 0; i < 1000; i++) call(socket, "send", getLink("lo"));
  await until("an overrun", () => errors.length > 0);
  assert.deepEqual([...new Set(errors)], [errno.ENOBUFS]);
  assert.ok(answers < 1000);
  const before = answers;
  call(socket, "send", getLink("lo"));
  await until("an answer after it", () => answers > before);
});

test("netlink: groups", { timeout }, () => {
  using socket = new addon.NetlinkSocket(0, 0, assert.fail, assert.fail);
  call(socket, "join", 1);
  assert.throws(() => call(socket, "join", 100_000), { code: "EINVAL", errno: -errno.EINVAL, syscall: "setsockopt" });
  assert.throws(
    () =>
      new addon.NetlinkSocket(
        12345,
        0,
        () => 0,
        () => 0,
      ),
    { code: "EPROTONOSUPPORT", syscall: "socket" },
  );
});

test("timer: never early, once; armed again it replaces; disarmed it is silent", { timeout }, async () => {
  const fired: number[] = [];
  using timer = new addon.DeadlineTimer(() => fired.push(addon.bootTime()));
  const due = addon.bootTime() + 3.5;
  call(timer, "arm", due + 1e9);
  call(timer, "arm", due);
  await until("it fires", () => fired.length > 0);
  assert.ok((fired[0] ?? 0) >= due);
  for (const past of [0, -1, -Infinity, addon.bootTime() - 1000]) {
    const before = fired.length;
    call(timer, "arm", past);
    await until("a past deadline", () => fired.length === before + 1);
  }
  const count = fired.length;
  call(timer, "arm", addon.bootTime() + 1);
  call(timer, "disarm");
  using later = new addon.DeadlineTimer(() => fired.push(-1));
  call(later, "arm", addon.bootTime() + 5);
  await until("the other timer", () => fired.length > count);
  assert.deepEqual(fired.slice(count), [-1], "the disarmed one stayed silent");
});

test("timer: armed it keeps the process alive, idle it does not", { timeout }, () => {
  const program = (arm: string): string => `
    const { DeadlineTimer, bootTime } = require(process.argv[1]);
    const timer = new DeadlineTimer(() => console.log("due"));
    ${arm}`;
  const run = (arm: string) => spawnSync(process.execPath, ["-e", program(arm), addonFile], { encoding: "utf8" });
  assert.equal(run("timer.arm(bootTime() + 20)").stdout, "due\n");
  assert.equal(run("").stdout, "");
  assert.equal(run("timer.arm(bootTime() + 1e6); timer.disarm()").stdout, "");
});

test("script: exit code, signal, group kill", { timeout }, async () => {
  const rows: readonly (readonly [string, number | undefined, readonly [number, number]])[] = [
    ["exit 0", undefined, [0, -1]],
    ["exit 200", undefined, [200, -1]],
    ["kill -SEGV $$", undefined, [-1, signals.SIGSEGV]],
    ["sleep 1000 & sleep 1000", signals.SIGTERM, [-1, signals.SIGTERM]],
    ["sleep 1000", signals.SIGKILL, [-1, signals.SIGKILL]],
  ];
  for (const [command, signal, want] of rows) {
    const exits: (readonly [number, number])[] = [];
    const child = script(command, (status, by) => exits.push([status, by]));
    await until("it has a number", () => Number(child["pid"]) > 1);
    if (signal !== undefined) assert.equal(call(child, "killGroup", signal), 0);
    await until(`the end of ${command}`, () => exits.length > 0);
    assert.deepEqual(exits, [want]);
    assert.equal(call(child, "killGroup", signals.SIGTERM), errno.ESRCH, "its number may be somebody else's by now");
  }
});

test("script: a clean environment", { timeout }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-native-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const leak = openSync("/dev/zero", "r");
  const inherited = openSync("/dev/zero", "r");
  addon.closeOnExecFrom(inherited);
  const out = join(dir, "out");
  const facts = "echo $0 $A; ls /proc/self/fd; grep ^Sig /proc/self/status; cut -d' ' -f5,19,41 /proc/$$/stat; echo $$";
  const ids = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const argv = ["/bin/sh", "-c", `{ ${facts}; } > ${out}`, "zero"];
  const status = await new Promise(
    (resolve) => new addon.ScriptProcess(argv, ["A=b c"], ...ids, [], resolve, notStarted),
  );
  assert.equal(status, 0);
  for (const fd of [leak, inherited]) closeSync(fd);
  const lines = readFileSync(out, "utf8").split("\n");
  assert.equal(lines[0], "zero b c");
  assert.deepEqual(lines.slice(1, 5), ["0", "1", "2", "3"], "3 is ls's own");
  const pid = lines.at(-2);
  assert.equal(lines.at(-3), `${pid} 0 0`, "own process group, nice 0, SCHED_OTHER");
  const masks = Object.fromEntries(lines.map((l) => l.split(":\t") as [string, string]));
  for (const mask of ["SigBlk", "SigIgn"]) assert.equal(masks[mask], "0000000000000000", mask);
});

const rootOnly = process.geteuid?.() === 0 ? {} : { skip: "needs root" };

test("script: credentials are dropped", { timeout, ...rootOnly }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-native-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "out"), "", { mode: 0o666 });
  spawnSync("chmod", ["777", dir, join(dir, "out")]);
  const argv = ["/bin/sh", "-c", `grep -E '^(Uid|Gid|Groups|CapEff)' /proc/$$/status > ${join(dir, "out")}`];
  const status = await new Promise((resolve) => {
    new addon.ScriptProcess(argv, ["PATH=/bin"], 65534, 65533, [7, 8], resolve, notStarted);
  });
  assert.equal(status, 0);
  assert.deepEqual(readFileSync(join(dir, "out"), "utf8").trim().split(/\s*\n/), [
    "Uid:\t65534\t65534\t65534\t65534",
    "Gid:\t65533\t65533\t65533\t65533",
    "Groups:\t7 8",
    "CapEff:\t0000000000000000",
  ]);
});

test("script: what cannot run says which step failed", { timeout }, async () => {
  const ids = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const start = (file: string) =>
    new Promise((resolve) => {
      new addon.ScriptProcess([file], [], ...ids, [], assert.fail, (...failure: unknown[]) => resolve(failure));
    });
  assert.deepEqual(await start("/no/such/file"), [errno.ENOENT, "execve"]);
  assert.deepEqual(await start("/etc/passwd"), [errno.EACCES, "execve"]);
  assert.deepEqual(await start("/"), [errno.EACCES, "execve"]);
});

test("script: after close it is still collected, silently", { timeout }, async () => {
  const child = script("sleep 0.1; exit 3", assert.fail);
  await until("it has a number", () => child["pid"] !== undefined);
  const pid = Number(child["pid"]);
  child.close();
  await until("it is gone, not a zombie", () => {
    try {
      readFileSync(`/proc/${pid}/stat`);
      return false;
    } catch {
      return true;
    }
  });
});

test("unix datagrams", { timeout }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-native-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "log");
  const receive = `import socket; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(${JSON.stringify(path)}); print("bound",flush=True); print(s.recv(99).decode(),flush=True)`;
  const receiver = spawn("python3", ["-c", receive], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => receiver.kill());
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "bound");
  using socket = new addon.UnixDatagram();
  const shared = new Uint8Array(new SharedArrayBuffer(5));
  shared.set(Buffer.from("hello"));
  assert.equal(call(socket, "send", path, shared), 0);
  assert.equal((await lines.next()).value, "hello");
  assert.equal(call(socket, "send", join(dir, "none"), shared), errno.ENOENT);
  assert.equal(call(socket, "send", "", shared), errno.ENOENT);
  assert.equal(call(socket, "send", "x".repeat(108), shared), errno.ENAMETOOLONG);
  assert.equal(call(socket, "send", join(dir), shared), errno.ECONNREFUSED);
});

test("packet frames", { timeout, ...rootOnly }, () => {
  using socket = new addon.PacketSocket();
  assert.equal(call(socket, "send", 1, new Uint8Array(42)), 0, "lo takes anything");
  assert.equal(call(socket, "send", 1, new Uint8Array(13)), errno.EINVAL, "shorter than an Ethernet header");
  assert.equal(call(socket, "send", 2 ** 31 - 1, new Uint8Array(42)), errno.ENXIO);
});

test("shared memory", { timeout }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-native-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const fd = openSync(join(dir, "state"), "w+");
  ftruncateSync(fd, 8192);
  const one = addon.mapShared(fd, 8192);
  const two = addon.mapShared(fd, 4096);
  one.write("through the file", 100);
  assert.equal(two.toString("latin1", 100, 116), "through the file");
  const read = Buffer.alloc(16);
  readSync(fd, read, 0, 16, 100);
  assert.equal(read.toString(), "through the file");
  const second = addon.mapShared(fd, 4096, 4096);
  one.write("second page", 4096);
  assert.equal(second.toString("latin1", 0, 11), "second page");
  assert.throws(() => addon.mapShared(fd, 4096, 8192), { code: "EINVAL", syscall: "mmap" });
  for (const from of [-1, 0.5, Number.NaN, null]) assert.throws(() => addon.mapShared(fd, 4096, from), TypeError);
  assert.throws(() => addon.mapShared(fd, 8193), { code: "EINVAL", syscall: "mmap" }, "past the end would be a SIGBUS");
  closeSync(fd);
  one.write("still mapped", 0);
  assert.throws(() => addon.mapShared(fd, 4096), { code: "EBADF", syscall: "fstat" });
});

test("a disk that answers is known at once, whatever it says; usage", { timeout }, async () => {
  const before = readdirSync("/proc/self/fd").length;
  for (const there of ["/", "/proc/self/status", "/none/at/all", "", "/etc/passwd/x", "x".repeat(5000)])
    assert.equal(addon.diskAnswers(there, 20_000), true, there);
  // A thread that has answered may still be on its way out, and a socket of an earlier test be closed meanwhile.
  await until("all descriptors are closed", () => readdirSync("/proc/self/fd").length <= before);
  for (const wrong of [[], ["/"], ["/", -1], ["/", 65_536], ["/", 1.5], ["/", null], [7, 1], ["a\0b", 1], [null, 1]])
    assert.throws(() => addon.diskAnswers(...wrong), { name: "TypeError", message: /diskAnswers\(path/ });
});

test("nice of one thread, boot time", { timeout }, () => {
  const now = addon.bootTime();
  assert.ok(Math.abs(now - Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000) < 5000);
  assert.ok(addon.bootTime() >= now);
  const program = `const { setThreadNice } = require(process.argv[1]);
    const { readdirSync, readFileSync } = require("node:fs");
    const nice = (tid) => Number(readFileSync("/proc/self/task/" + tid + "/stat", "utf8").split(") ")[1].split(" ")[16]);
    const before = nice(process.pid);
    const rc = setThreadNice(before + 3);
    const others = readdirSync("/proc/self/task").filter((t) => Number(t) !== process.pid);
    console.log(rc, nice(process.pid) - before, others.every((t) => nice(t) === before));`;
  const { stdout } = spawnSync(process.execPath, ["-e", program, addonFile], { encoding: "utf8" });
  assert.equal(stdout, "0 3 true\n");
});
