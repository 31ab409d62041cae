import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { addon, call, type RawObject, script, until } from "./addon-under-test.js";

const timeout = 120_000;
const { EBADF, ESRCH } = constants.errno;
const nothing = (): void => undefined;

/** What no entry may take for a number, bytes, a function, a string or a list. */
const nonsense: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  0.5,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  1n,
  true,
  "",
  "text",
  "nul\0inside",
  Symbol("s"),
  {},
  [],
  [null],
  new Proxy({}, {}),
  new Proxy([], {}),
  new Proxy(new Uint8Array(4), {}),
  new Float64Array(4),
  new DataView(new ArrayBuffer(4)),
  { valueOf: () => assert.fail("no argument is converted"), toString: () => assert.fail("no argument is converted") },
];

const good = {
  NetlinkSocket: [0, 0, nothing, nothing],
  DeadlineTimer: [nothing],
  UdpReader: [false, 0, 0, new Uint8Array(64), nothing, nothing],
  UdpSender: [new Uint8Array(0), 0, Uint8Array.of(127, 0, 0, 1), 9, 255],
  ScriptProcess: [["/bin/true"], [], process.geteuid?.() ?? 0, process.getegid?.() ?? 0, [], nothing, nothing],
} as const;

/** Errors that are an answer to nonsense: of the argument check, or of the kernel. Anything else is a bug. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return (
    error instanceof Error &&
    "syscall" in error &&
    "errno" in error &&
    typeof error.errno === "number" &&
    error.errno < 0
  );
}

/** Runs it; what it throws must be a refusal. Returns what it made. */
function refuses(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    assert.ok(isRefusal(error), String(error));
    return undefined;
  }
}

test("constructors: each argument in turn is nonsense", { timeout }, () => {
  for (const [name, args] of Object.entries(good)) {
    const Class = addon[name as keyof typeof good];
    for (const at of args.keys()) {
      for (const wrong of nonsense) {
        const made = refuses(() => new Class(...args.slice(0, at), wrong, ...args.slice(at + 1)));
        if (made !== undefined) (made as RawObject).close(); // a valid value by accident, such as "text" for nothing
      }
    }
    assert.throws(() => new Class(), TypeError);
    assert.throws(() => Reflect.apply(Class, undefined, args), TypeError, "without new");
  }
});

test("constructors: lists whose elements are nonsense, throw, or change while they are read", { timeout }, () => {
  const { ScriptProcess } = addon;
  const [argv, env, uid, gid, groups, onExit, onNotStarted] = good.ScriptProcess;
  const callbacks = [onExit, onNotStarted] as const;
  for (const wrong of [...nonsense, [["/bin/true"]]]) {
    if (typeof wrong !== "string" || wrong.includes("\0"))
      assert.throws(() => new ScriptProcess([...argv, wrong], env, uid, gid, groups, ...callbacks), TypeError);
    if (typeof wrong !== "string" || wrong.includes("\0"))
      assert.throws(() => new ScriptProcess(argv, [wrong], uid, gid, groups, ...callbacks), TypeError);
    assert.throws(() => new ScriptProcess(argv, env, uid, gid, [wrong], ...callbacks), TypeError);
  }
  assert.throws(() => new ScriptProcess([], env, uid, gid, groups, ...callbacks), TypeError, "nothing to run");
  assert.throws(
    () => new ScriptProcess(argv, env, 2 ** 32 - 1, gid, groups, ...callbacks),
    TypeError,
    "-1 means unchanged",
  );
  const sparse: unknown[] = [];
  sparse.length = 2 ** 32 - 1;
  assert.throws(() => new ScriptProcess(sparse, env, uid, gid, groups, ...callbacks), TypeError);
  const throwing = Object.defineProperty(["/bin/true", ""], 1, {
    get: () => {
      throw new Error("mine");
    },
  });
  assert.throws(() => new ScriptProcess(throwing, env, uid, gid, groups, ...callbacks), { message: "mine" });
  const shrinking: string[] = ["/bin/true", "", ""];
  Object.defineProperty(shrinking, 1, {
    get: () => {
      shrinking.length = 1;
      return "x";
    },
  });
  assert.throws(() => new ScriptProcess(shrinking, env, uid, gid, groups, ...callbacks), TypeError);
});

const localhost6 = new Uint8Array(16).fill(1, 15);

const openers: Readonly<Record<string, () => RawObject>> = {
  NetlinkSocket: () => new addon.NetlinkSocket(...good.NetlinkSocket),
  DeadlineTimer: () => new addon.DeadlineTimer(...good.DeadlineTimer),
  UnixDatagram: () => new addon.UnixDatagram(),
  UdpReader: () => new addon.UdpReader(...good.UdpReader),
  UdpSender: () => new addon.UdpSender(...good.UdpSender),
  ScriptProcess: () => script("sleep 1000", nothing),
  ...(process.geteuid?.() === 0
    ? {
        PacketSocket: () => new addon.PacketSocket(),
        Ipv6AdvertReader: () => new addon.Ipv6AdvertReader("lo", 1, localhost6, 0, nothing, nothing),
        Ipv4AdvertSender: () => new addon.Ipv4AdvertSender(),
        Ipv6AdvertSender: () => new addon.Ipv6AdvertSender("lo", 1),
      }
    : {}),
};

const methods: Readonly<Record<string, readonly string[]>> = {
  NetlinkSocket: ["send", "aside", "join", "close"],
  DeadlineTimer: ["arm", "disarm", "close"],
  UnixDatagram: ["send", "close"],
  UdpReader: ["filter", "close"],
  UdpSender: ["send", "close"],
  PacketSocket: ["send", "close"],
  Ipv6AdvertReader: ["filter", "receiveBuffer", "close"],
  Ipv4AdvertSender: ["send", "close"],
  Ipv6AdvertSender: ["send", "close"],
  ScriptProcess: ["killGroup", "close"],
};

test("methods: nonsense, a foreign `this`, and calls after close", { timeout }, () => {
  for (const [name, open] of Object.entries(openers)) {
    const object = open();
    for (const method of methods[name] ?? []) {
      const member = object[method];
      assert.ok(typeof member === "function");
      for (const self of [{}, null, Object.create(object), new Proxy(object, {}), addon])
        assert.throws(() => Reflect.apply(member, self, [1, new Uint8Array(1)]), TypeError, `${name}.${method}`);
      if (method === "close") continue;
      for (const one of nonsense) {
        if (method === "killGroup" && one === -1) continue;
        refuses(() => call(object, method, one));
        for (const two of nonsense) refuses(() => call(object, method, one, two));
      }
    }
    if (name === "ScriptProcess") call(object, "killGroup", constants.signals.SIGKILL);
    object.close();
    object.close();
    object[Symbol.dispose]();
    for (const method of methods[name] ?? []) for (const one of nonsense) refuses(() => call(object, method, one));
  }
});

test("methods after close answer with an errno", { timeout }, () => {
  const netlink = new addon.NetlinkSocket(...good.NetlinkSocket);
  const datagram = new addon.UnixDatagram();
  const timer = new addon.DeadlineTimer(nothing);
  for (const object of [netlink, datagram, timer]) object.close();
  assert.equal(call(netlink, "send", new Uint8Array(20)), EBADF);
  assert.ok(Number(netlink["portId"]) > 0);
  assert.throws(() => call(netlink, "join", 1), { code: "EBADF" });
  assert.equal(call(datagram, "send", "/x", new Uint8Array(1)), EBADF);
  assert.throws(() => call(timer, "arm", 1), { code: "EBADF" });
  call(timer, "disarm");
});

test("bytes: empty, detached, resizable, shared", { timeout }, () => {
  using netlink = new addon.NetlinkSocket(...good.NetlinkSocket);
  using datagram = new addon.UnixDatagram();
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  for (const bytes of [new Uint8Array(0), detached, Buffer.alloc(0)]) {
    assert.notEqual(call(netlink, "send", bytes), 0);
    assert.equal(call(datagram, "send", "/no/such/socket", bytes), constants.errno.ENOENT);
  }
  assert.equal(call(netlink, "send", new Uint8Array(new SharedArrayBuffer(64), 16, 32)), 0, "zeros are no request");
});

test("makeFifo: nonsense is refused, what the kernel refuses is told", { timeout }, async () => {
  const path = `/nonexistent/${process.pid}`;
  for (const wrong of nonsense) {
    if (typeof wrong !== "string" || wrong.includes("\0"))
      assert.throws(() => addon.makeFifo(wrong, 0o600, nothing), TypeError);
    assert.throws(() => addon.makeFifo(path, 0o600, wrong), TypeError);
    if (wrong !== 0) assert.throws(() => addon.makeFifo(path, wrong, nothing), TypeError);
  }
  const errno = await new Promise((resolve) => addon.makeFifo(path, 0o600, resolve));
  assert.equal(errno, constants.errno.ENOENT);
});

test("functions: nonsense", { timeout }, () => {
  for (const wrong of nonsense) {
    for (const run of [
      () => addon.closeOnExecFrom(wrong),
      () => addon.mapShared(wrong, 4096),
      () => addon.mapShared(0, wrong),
    ])
      refuses(run);
    assert.throws(() => addon.exitWithin(wrong, 0), TypeError);
    assert.throws(() => addon.exitWithin(0, wrong), TypeError);
    const valid = Number.isInteger(wrong) && Math.abs(Number(wrong)) < 2 ** 31;
    if (!valid) assert.throws(() => addon.setThreadNice(wrong), TypeError);
  }
  for (const call of [addon.closeOnExecFrom, addon.mapShared, addon.setThreadNice, addon.exitWithin])
    assert.throws(() => call(), TypeError);
  assert.throws(() => addon.mapShared(9999, 4096), { code: "EBADF" });
  assert.throws(() => addon.mapShared(0, -1), TypeError);
  assert.throws(() => addon.exitWithin(0, 256), TypeError);
  assert.ok(addon.bootTime(null, Number.NaN) > 0);
});

test("close inside the callback", { timeout }, async () => {
  let datagrams = 0;
  const netlink: RawObject = new addon.NetlinkSocket(
    0,
    1 << 20,
    () => {
      datagrams++;
      netlink.close();
      netlink.close();
    },
    nothing,
  );
  const { getLink } = await import("./addon-under-test.js");
  for (let i = 0; i < 20; i++) call(netlink, "send", getLink("lo"));
  await until("one datagram", () => datagrams > 0);
  let due = 0;
  const timer: RawObject = new addon.DeadlineTimer(() => {
    due++;
    timer.close();
  });
  call(timer, "arm", 0);
  await until("the timer", () => due > 0);
  let exits = 0;
  const child: RawObject = script("exit 0", () => {
    exits++;
    child.close();
    assert.equal(call(child, "killGroup", 15), ESRCH);
  });
  await until("the script", () => exits > 0);
  assert.deepEqual([datagrams, due, exits], [1, 1, 1], "nothing comes after close");
});

test("a callback that throws is an uncaught exception of its thread", { timeout }, async () => {
  for (const which of ["netlink", "timer", "script", "udp"]) {
    const worker = new Worker(new URL("throwing-worker.js", import.meta.url), { workerData: which });
    const exited = once(worker, "exit").catch(() => undefined); // `error` is reported there too
    const [error] = await once(worker, "error");
    assert.equal((error as Error).message, `thrown by ${which}`);
    await exited;
  }
});

test("a callback that throws, with a handler: the object goes on", { timeout }, async () => {
  for (const which of ["netlink", "timer", "udp"]) {
    const worker = new Worker(new URL("throwing-worker.js", import.meta.url), { workerData: `${which} caught` });
    const exited = once(worker, "exit");
    const [caught] = await once(worker, "message");
    assert.deepEqual(
      caught,
      Array.from({ length: 5 }, () => `thrown by ${which}`),
    );
    await exited;
  }
});
