import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { addon, call, type RawObject, until } from "./addon-under-test.js";
import {
  acceptor,
  add,
  countersOf,
  listen,
  openEngine,
  patternOf,
  plainTls,
  quiet,
  specOf,
  urlOf,
} from "./probe-spec.js";

const timeout = 120_000;
const nothing = (): void => undefined;
const limits = { inFlight: 10, inFlightPerHost: 0 };

const nonsense: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  0.5,
  2 ** 53,
  Number.NEGATIVE_INFINITY,
  1n,
  true,
  "",
  "nul\0inside",
  Symbol("s"),
  {},
  [],
  [null],
  new Proxy({}, {}),
  new Proxy([], {}),
  new Float64Array(4),
  nothing,
  { valueOf: () => assert.fail("no argument is converted"), toString: () => assert.fail("no argument is converted") },
];

/** Runs it; what it throws must be an answer to nonsense. */
function refuses(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    const known = error instanceof TypeError || error instanceof RangeError || /^regex: |^TLS: /.test(String(error));
    assert.ok(known || (error instanceof Error && "errno" in error), String(error));
  }
}

test("constructor", { timeout }, () => {
  for (const wrong of nonsense) {
    assert.throws(() => new addon.ProbeEngine(wrong, nothing), TypeError);
    assert.throws(() => new addon.ProbeEngine({ ...limits, inFlight: wrong }, nothing), Error);
    if (wrong !== nothing) assert.throws(() => new addon.ProbeEngine(limits, wrong), TypeError);
  }
  assert.throws(() => new addon.ProbeEngine({ ...limits, inFlight: 0 }, nothing), RangeError);
  assert.throws(() => new addon.ProbeEngine(), TypeError);
  assert.throws(() => Reflect.apply(addon.ProbeEngine, undefined, [limits, nothing]), TypeError, "without new");
});

test("specs: every field in turn is nonsense, and nothing is half done", { timeout }, () => {
  const { engine } = openEngine();
  using _ = engine;
  const url = urlOf({ body: patternOf({ pattern: "x", stack: { start: 1, max: 2 } }) });
  const { exchange: _unread, ...good } = specOf({ kind: "https", urls: [url], tls: plainTls, groups: [1] });
  const exchange = { request: "x", requireReply: true, reply: "y", mask: "\xff", minReply: 0, maxReply: 9 };
  const objects: readonly (readonly [object, (changed: unknown) => unknown])[] = [
    [good, (changed) => changed],
    [url, (changed) => specOf({ kind: "http", urls: [changed] })],
    [url["body"] as object, (changed) => specOf({ kind: "http", urls: [urlOf({ body: changed })] })],
    [plainTls, (changed) => ({ ...good, tls: changed })],
    [exchange, (changed) => specOf({ kind: "udp", exchange: changed })],
    [{ from: 200, to: 299 }, (changed) => specOf({ kind: "http", urls: [urlOf({ statusCodes: [changed] })] })],
    [{ start: 1, max: 2 }, (stack) => specOf({ kind: "http", urls: [urlOf({ body: patternOf({ stack }) })] })],
  ];
  for (const [object, whole] of objects) {
    for (const wrong of nonsense) refuses(() => call(engine, "add", whole(wrong)));
    for (const name of Object.keys(object)) {
      for (const wrong of nonsense) refuses(() => call(engine, "add", whole({ ...object, [name]: wrong })));
      const throwing = Object.defineProperty({ ...object }, name, {
        get: () => {
          throw new Error("mine");
        },
      });
      assert.throws(() => call(engine, "add", whole(throwing)), { message: "mine" }, name);
    }
  }
  const rows: readonly (readonly [object, RegExp])[] = [
    [specOf({ kind: "sctp" }), /^RangeError: ProbeSpec.kind/],
    [specOf({ kind: "udp" }), /^TypeError: ProbeExchange/],
    [specOf({ kind: "udp", exchange: { ...exchange, mask: "" } }), /^RangeError: ProbeExchange.mask/],
    [specOf({ kind: "dns", exchange: { ...exchange, maxReply: 65_536 } }), /^RangeError: ProbeExchange.maxReply/],
    [specOf({ kind: "smtp", exchange: { ...exchange, request: "x".repeat(70_000) } }), /^RangeError|^TypeError/],
    [specOf({ address: "host.example" }), /^RangeError: ProbeSpec.address/],
    [specOf({ address: "fe80::1%nosuchif" }), /^RangeError: ProbeSpec.address/],
    [specOf({ port: 0 }), /^RangeError: ProbeSpec.port/],
    [specOf({ port: 65_536 }), /^RangeError: ProbeSpec.port/],
    [specOf({ timeout: 0 }), /^RangeError: ProbeSpec.timeout/],
    [specOf({ bindAddress: "::1" }), /^RangeError: ProbeSpec.bindAddress/],
    [specOf({ bindInterface: "x".repeat(16) }), /^RangeError: ProbeSpec.bindInterface/],
    [specOf({ groups: [2 ** 31] }), /^TypeError: ProbeSpec.groups/],
    [specOf({ kind: "http" }), /^RangeError: ProbeSpec.urls/],
    [specOf({ kind: "http", urls: [urlOf({ request: "" })] }), /^RangeError: ProbeUrl.request/],
    [specOf({ kind: "http", urls: [urlOf({ request: "x".repeat(70_000) })] }), /^RangeError: ProbeUrl.request/],
    [specOf({ kind: "http", urls: [urlOf({ digest: "00" })] }), /^TypeError: ProbeUrl.digest/],
    [specOf({ kind: "http", urls: [urlOf({ body: patternOf({ pattern: "(" }) })] }), /^Error: regex: .* at offset 1/],
    [specOf({ kind: "http", urls: [urlOf({ body: patternOf({ options: ["none"] }) })] }), /ProbePattern.options/],
    [{ ...good, tls: undefined }, /^TypeError: ProbeTls/],
    [{ ...good, tls: { ...plainTls, certificateFile: "/no/such/file" } }, /^Error: TLS: /],
  ];
  for (const [spec, message] of rows)
    assert.throws(
      () => call(engine, "add", spec),
      (e) => message.test(String(e)),
    );
  assert.equal(add(engine, {}), add(engine, {}) - 1, "refused checks took no slots among these");
});

test("methods: nonsense, a foreign `this`, slots that are none, calls after close", { timeout }, () => {
  const { engine, heard } = openEngine();
  const slot = add(engine, { address: "192.0.2.1" });
  const methods = ["add", "remove", "arm", "setGroups", "counters", "last", "untilDue", "latency"];
  for (const name of methods) {
    const member = engine[name];
    assert.ok(typeof member === "function");
    for (const self of [{}, null, Object.create(engine), new Proxy(engine, {}), addon])
      assert.throws(() => Reflect.apply(member, self, [slot, 1, 0, 0, 0]), TypeError, name);
    for (const one of nonsense) if (one !== slot) refuses(() => call(engine, name, one));
  }
  const args = [slot, 1, 1e9, 0, 0];
  for (const at of args.keys())
    for (const wrong of nonsense)
      refuses(() => call(engine, "arm", ...args.slice(0, at), wrong, ...args.slice(at + 1)));
  for (const wrong of nonsense) refuses(() => call(engine, "setGroups", slot, wrong));
  for (const wrong of nonsense) refuses(() => call(engine, "untilDue", wrong));
  for (const none of [slot + 1, 255, 256, 2 ** 32 - 1]) {
    assert.throws(() => call(engine, "remove", none), RangeError);
    assert.throws(() => call(engine, "arm", none, 1, 0, 0, 0), RangeError);
    assert.throws(() => call(engine, "setGroups", none, []), RangeError);
  }
  assert.throws(() => call(engine, "arm", slot, 1, -1, 0, 0), RangeError);
  assert.throws(() => call(engine, "arm", slot, 1, 0, 1, 0), RangeError, "a TCP check has no pages");
  assert.throws(() => call(engine, "arm", slot, 1, 0, 0, 3), TypeError);
  call(engine, "remove", slot);
  assert.throws(() => call(engine, "remove", slot), RangeError);
  engine.close();
  engine.close();
  engine[Symbol.dispose]();
  for (const name of ["add", "remove", "arm", "setGroups", "untilDue"])
    assert.throws(() => call(engine, name, name === "add" ? specOf({}) : 0, name === "setGroups" ? [] : 0, 0, 0, 0), {
      code: "EBADF",
      errno: -constants.errno.EBADF,
    });
  assert.deepEqual(countersOf(engine), { completed: 0, passed: 0, inFlight: 0, queued: 0, noResources: 0 });
  assert.equal((call(engine, "last") as Uint32Array).length, 0);
  assert.equal((call(engine, "latency", true) as Uint32Array).length, 0);
  assert.deepEqual(heard, []);
});

test("a getter that closes the engine while its spec is read", { timeout }, () => {
  const { engine } = openEngine();
  const spec = Object.defineProperty({ ...specOf({}) }, "groups", {
    get: () => {
      engine.close();
      return [];
    },
  });
  assert.throws(() => call(engine, "add", spec), { code: "EBADF" });
});

test("the listener closes, removes, takes the memory away", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const port = await listen(server);
  let calls = 0;
  const closing: RawObject = new addon.ProbeEngine({ inFlight: 3000, inFlightPerHost: 0 }, () => {
    calls++;
    closing.close();
    closing.close();
  });
  for (let i = 0; i < 2000; i++) call(closing, "arm", add(closing, { port: 1 }), i, 0, 0, quiet.nothing);
  await until("it is called", () => calls > 0);

  let taken = 0;
  using transferring = new addon.ProbeEngine(limits, (results: Uint32Array, count: number) => {
    assert.equal(count, results.length === 0 ? -1 : count);
    structuredClone(results.buffer, { transfer: [results.buffer as ArrayBuffer] });
    taken += count;
  });
  const slots = Array.from({ length: 10 }, () => add(transferring, { port }));
  for (let round = 0; round < 5; round++) {
    for (const slot of slots) call(transferring, "arm", slot, round, 0, 0, quiet.nothing);
    await until("ten more", () => taken === (round + 1) * 10);
  }

  let removed = 0;
  using removing: RawObject = new addon.ProbeEngine(limits, (results: Uint32Array, count: number) => {
    for (let i = 0; i < count; i++) {
      removed++;
      call(removing, "remove", results[i * 16]);
      call(removing, "arm", add(removing, { port }), 1, 0, 0, quiet.nothing);
    }
  });
  for (let i = 0; i < 5; i++) call(removing, "arm", add(removing, { port }), 1, 0, 0, quiet.nothing);
  await until("many checks come and go", () => removed >= 500);
  assert.equal(calls, 1, "nothing comes after close");
});

test("a listener that throws is an uncaught exception of its thread; with a handler it goes on", {
  timeout,
}, async () => {
  const worker = new Worker(new URL("throwing-worker.js", import.meta.url), { workerData: "probe" });
  const exited = once(worker, "exit").catch(() => undefined);
  const [error] = await once(worker, "error");
  assert.equal((error as Error).message, "thrown by probe");
  await exited;
  const other = new Worker(new URL("throwing-worker.js", import.meta.url), { workerData: "probe caught" });
  const ended = once(other, "exit");
  const [caught] = await once(other, "message");
  assert.deepEqual(
    caught,
    Array.from({ length: 5 }, () => "thrown by probe"),
  );
  await ended;
});

test("functions", { timeout }, () => {
  for (const wrong of nonsense) {
    assert.throws(() => addon.compilePattern(wrong), TypeError);
    if (wrong !== 0) assert.throws(() => addon.tlsErrorText(wrong), TypeError);
  }
  assert.equal(typeof addon.tlsErrorText(0), "string");
});
