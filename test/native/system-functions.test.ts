import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { readdirSync, readlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, endianness } from "node:os";
import { test } from "node:test";
import { reading, readingWords } from "../../native-bindings/scheduling.js";
import { addon, addonFile } from "./addon-under-test.js";

/** The filter of raw sockets and the scheduling of threads, raw: with arguments that the typed faces would not hand over. */

/** What is used of it. */
const raw = createRequire(import.meta.url)("raw-socket") as {
  createSocket(options: { readonly protocol: number }): {
    setOption(level: number, option: number, value: number): void;
    close(): void;
  };
};
const { EBADF, EINVAL, ENOENT, ESRCH, ENOTSOCK } = constants.errno;
const VRRP = 112;
const nonsense: readonly unknown[] = [
  ...[undefined, null, Number.NaN, 0.5, 2 ** 53, 1n, true, "", "text", Symbol("s"), {}, [null]],
  ...[new Proxy({}, {}), new Proxy(new Uint8Array(4), {}), { valueOf: () => assert.fail("no argument is converted") }],
];

/** linux/filter.h: the packet is dropped. */
function dropAll(): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint16(0, 0x06, endianness() === "LE");
  return bytes;
}

/** asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_RCVLOWAT = 18;
const LABEL = 0x4000_0001;

test("a raw socket is found by its label alone, and takes a filter", {
  skip: process.geteuid?.() === 0 ? false : "needs root",
}, (t) => {
  const [before, socket, after] = [0, 1, 2].map(() => raw.createSocket({ protocol: VRRP }));
  t.after(() => [before, socket, after].forEach((one) => void one?.close()));
  assert.equal(addon.findRawSocket(VRRP, LABEL, 3), -1, "others without a filter are not it");
  socket?.setOption(SOL_SOCKET, SO_RCVLOWAT, LABEL);
  const fd = addon.findRawSocket(VRRP, LABEL, 3);
  assert.ok(typeof fd === "number" && fd >= 3);
  assert.match(readlinkSync(`/proc/self/fd/${fd}`), /^socket:/);
  assert.equal(addon.findRawSocket(VRRP, LABEL, fd + 1000), fd, "wherever the search begins");
  assert.equal(addon.findRawSocket(VRRP + 1, LABEL, 3), -1);
  assert.equal(addon.setRawSocketFilter(fd, VRRP + 1, LABEL, dropAll()), EBADF, "another protocol is not ours");
  assert.equal(addon.setRawSocketFilter(fd, VRRP, LABEL + 1, dropAll()), EBADF, "its number is another one's now");
  for (const odd of [new Uint8Array(0), new Uint8Array(7), new Uint8Array(12), new Uint8Array(8 * 70_000)])
    assert.notEqual(addon.setRawSocketFilter(fd, VRRP, LABEL, odd), 0, `${odd.length} octets`);
  assert.notEqual(addon.setRawSocketFilter(fd, VRRP, LABEL, new Uint8Array(8).fill(0xff)), 0, "no instruction");
  assert.equal(addon.setRawSocketFilter(fd, VRRP, LABEL, dropAll()), 0);
  assert.equal(addon.findRawSocket(VRRP, LABEL, 3), fd);
});

/** Processor time of one search in vain, microseconds, in a process that may open so many files. */
function searchTime(openFiles: string): number {
  const program = `
    const addon = require(${JSON.stringify(addonFile)});
    const search = () => addon.findRawSocket(112, 77, 3) + addon.setUdpSocketFilter(new Uint8Array(4), new Uint8Array(4), 9, new Uint8Array(8));
    for (let i = 0; i < 20; i++) search();
    const { user, system } = process.cpuUsage();
    for (let i = 0; i < 100; i++) search();
    const used = process.cpuUsage({ user, system });
    console.log((used.user + used.system) / 100);`;
  const shell = `ulimit -n ${openFiles} && exec "$0" -e "$1"`;
  return Number(execFileSync("sh", ["-c", shell, process.execPath, program], { encoding: "utf8" }));
}

test("a search in vain takes as long as there are open descriptors, not as there may be", () => {
  const times = ["256", "$(ulimit -Hn)"].map((limit) =>
    Math.min(searchTime(limit), searchTime(limit), searchTime(limit)),
  );
  const [short = 0, long = 0] = times;
  assert.ok(long < 8 * short + 100, `${short} and ${long} us`);
});

test("requests that find no descriptor for another thread fail with the reason, and those after them do not", () => {
  const program = `
    const { openSync, closeSync } = require("node:fs");
    const { NetlinkSocket } = require(${JSON.stringify(addonFile)});
    const socket = new NetlinkSocket(0, 0, () => {}, () => {});
    const noop = new Uint8Array(32); // zeros are no request
    const held = [];
    const other = new NetlinkSocket(0, 0, () => {}, () => {});
    // The sanitizer looks at the first object of a class through a pipe, for which there would be no descriptors either.
    other.aside([noop], () => {
      other.close();
      try { for (;;) held.push(openSync("/dev/null")); } catch {}
      socket.aside([noop], (first) => {
        held.forEach((fd) => closeSync(fd));
        socket.aside([noop], (second) => {
          console.log(JSON.stringify([first, second]));
          socket.close();
        });
      });
    });`;
  const shell = 'ulimit -n 256 && exec "$0" -e "$1"';
  const said = execFileSync("sh", ["-c", shell, process.execPath, program], { encoding: "utf8", timeout: 30_000 });
  assert.deepEqual(JSON.parse(said), [[constants.errno.EMFILE], [0]]);
});

test("descriptors that are no raw socket take no filter", () => {
  const open = readdirSync("/proc/self/fd").map(Number);
  for (const fd of [-1, 0, 1, 2, ...open, 99_999]) {
    const errno = addon.setRawSocketFilter(fd, VRRP, LABEL, dropAll());
    assert.ok(errno === EBADF || errno === ENOTSOCK || errno === EINVAL, `${fd}: ${errno}`);
  }
});

test("a UDP socket is known by both of its ends", async (t) => {
  const socket = createSocket("udp6");
  t.after(() => socket.close());
  await new Promise<void>((resolve) => socket.bind({ address: "::1", port: 0 }, resolve));
  const { port } = socket.address();
  const localhost = new Uint8Array(16).fill(1, 15);
  const set = (...[local, peer, at]: readonly [Uint8Array, Uint8Array, number]) =>
    addon.setUdpSocketFilter(local, peer, at, dropAll());
  assert.equal(set(localhost, localhost, port), ENOENT, "it is not connected");
  await new Promise<void>((resolve) => socket.connect(port, "::1", resolve));
  assert.equal(set(localhost, localhost, port), 0);
  assert.equal(set(localhost, new Uint8Array(16), port), ENOENT);
  assert.equal(set(localhost, localhost.subarray(12), port), ENOENT);
  assert.equal(set(localhost, localhost, port === 1 ? 2 : port - 1), ENOENT);
});

/** Of one without helper threads of V8, whose locks a loop waits for now and then. */
test("a loop that never sleeps takes breaks, where that is asked for", () => {
  const program = `
    const addon = require(${JSON.stringify(addonFile)});
    const words = new Float64Array(${readingWords});
    const sleeps = () => (addon.readThread(words), words[${reading.blocked}]);
    // Turns for 200 ms, or until it has slept often enough.
    const turn = (enough, done, from = sleeps(), start = performance.now()) => {
      const slept = sleeps() - from;
      if (slept >= enough || performance.now() - start > (enough === Infinity ? 200 : 20_000)) done(slept);
      else setImmediate(turn, enough, done, from, start);
    };
    addon.takeBreaks(false); // before it was ever asked for
    turn(Infinity, (none) => {
      addon.takeBreaks(true);
      addon.takeBreaks(true);
      turn(20, (some) => {
        addon.takeBreaks(false);
        turn(Infinity, (noneAgain) => console.log(JSON.stringify([none, some, noneAgain])));
      });
    });`;
  const said = execFileSync(process.execPath, ["--single-threaded", "-e", program], { encoding: "utf8" });
  const [none, some, noneAgain] = JSON.parse(said) as [number, number, number];
  assert.ok(none < 10 && some >= 20 && noneAgain < 10, said);
});

test("nonsense is a TypeError", () => {
  const { setRawSocketFilter, findRawSocket, setThreadCpus } = addon;
  for (const wrong of nonsense) {
    assert.throws(() => setRawSocketFilter(wrong, VRRP, LABEL, dropAll()), TypeError);
    assert.throws(() => setRawSocketFilter(0, wrong, LABEL, dropAll()), TypeError);
    assert.throws(() => setRawSocketFilter(0, VRRP, wrong, dropAll()), TypeError);
    assert.throws(() => setRawSocketFilter(0, VRRP, LABEL, wrong), TypeError);
    assert.throws(() => findRawSocket(wrong, LABEL, 3), TypeError);
    assert.throws(() => findRawSocket(VRRP, wrong, 3), TypeError);
    assert.throws(() => findRawSocket(VRRP, LABEL, wrong), TypeError);
    const ends = [new Uint8Array(4), new Uint8Array(4), 9, dropAll()];
    for (const at of ends.keys())
      assert.throws(() => addon.setUdpSocketFilter(...ends.slice(0, at), wrong, ...ends.slice(at + 1)), TypeError);
    assert.throws(() => setThreadCpus(wrong, [0]), TypeError);
    assert.throws(() => setThreadCpus(0, [0, wrong]), TypeError);
    for (const one of ["setThreadClass", "setNiceOfThread", "setRealTimeLimit"] as const) {
      assert.throws(() => addon[one](wrong, 0), TypeError, one);
      assert.throws(() => addon[one](0, wrong), TypeError, one);
    }
    for (const one of ["readThread", "lockMemory"] as const) assert.throws(() => addon[one](wrong), TypeError, one);
  }
});

test("scheduling: what the kernel refuses is a number, bytes may be empty, and a ceiling may end without a beginning", () => {
  assert.equal(addon.setThreadCpus(0, [20_000]), EINVAL);
  assert.equal(addon.setThreadClass(2 ** 22 + 1, 0), ESRCH);
  assert.equal(addon.setThreadClass(0, 100), EINVAL);
  assert.equal(addon.setNiceOfThread(2 ** 22 + 1, 0), ESRCH);
  assert.equal(typeof addon.lockMemory(new Uint8Array(0)), "number");
  assert.equal(typeof addon.lockMemory(new Uint8Array(new SharedArrayBuffer(8192), 100, 4096)), "number");
  for (const short of [0, 1, 5]) assert.throws(() => addon.readThread(new Float64Array(short)), TypeError);
  addon.readThread(new Float64Array(64));
  const before = addon.beginCeiling();
  addon.endCeiling(before);
  addon.endCeiling(before);
  addon.nap();
  const cpus = addon.threadCpus();
  assert.ok(Array.isArray(cpus) && cpus.length > 0);
  assert.ok(Number(addon.threadId()) > 0);
});
