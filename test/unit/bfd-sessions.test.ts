import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../main/bfd/packet.js";
import { ms } from "../../main/units.js";
import { BfdWire, bfdConfig } from "../harness/bfd-wire.js";
import { HandClock } from "./health-hand-clock.js";

const [A, B] = ["192.0.2.1", "192.0.2.2"] as const;

function pair(more: Parameters<typeof bfdConfig>[3] = {}) {
  const clock = new HandClock();
  const wire = new BfdWire(clock);
  const [a, b] = [wire.host(A), wire.host(B)];
  const config = bfdConfig("AB", A, B, more);
  a.sessions.update([config]);
  b.sessions.update([bfdConfig("BA", B, A)]);
  const stateOf = (host: typeof a): string | undefined => [...host.sessions.snapshots()][0]?.session.state;
  return { clock, wire, a, b, config, stateOf };
}

test("two sides come up within two seconds, and send every 37.5 to 50 ms then", () => {
  const { clock, wire, a, b } = pair();
  clock.advance(2000);
  assert.deepEqual([a.told, b.told], [["AB up"], ["BA up"]]);
  wire.sent.length = 0;
  clock.advance(10_000);
  const times = wire.sent.filter(({ from }) => from === A).map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  assert.ok(Math.min(...gaps) >= 37.5 && Math.max(...gaps) <= 50, `${Math.min(...gaps)} to ${Math.max(...gaps)} ms`);
});

test("a cut is found after the detection time, not earlier and not later", () => {
  const { clock, wire, a } = pair();
  clock.advance(5000);
  wire.loses = () => true;
  clock.advance(105);
  assert.deepEqual(a.told, ["AB up"]);
  clock.advance(50);
  assert.deepEqual(a.told, ["AB up", "AB down"]);
  assert.ok(a.logged.some((line) => /^\(AB\) Expired after 150 ms \(\d+ usec overdue\)$/.test(line)));
  const words = "(Local diagnostic - Control Detection Time Expired, Remote diagnostic - No Diagnostic)";
  assert.ok(a.logged.includes(`(AB) Entering DOWN state ${words}`), a.logged.join("\n"));
});

test("a cut in one direction takes both sides down, and both come back", () => {
  const { clock, wire, a, b } = pair();
  clock.advance(5000);
  wire.loses = (from) => from === A;
  clock.advance(400);
  assert.deepEqual(
    [a.told, b.told],
    [
      ["AB up", "AB down"],
      ["BA up", "BA down"],
    ],
  );
  wire.loses = () => false;
  clock.advance(3000);
  assert.deepEqual([a.told.at(-1), b.told.at(-1)], ["AB up", "BA up"]);
});

test("a stop says AdminDown, and the other side's followers are not told", () => {
  const { clock, wire, a, b, stateOf } = pair();
  clock.advance(5000);
  a.sessions.stop();
  clock.advance(10);
  const last = decode(wire.sent.filter(({ from }) => from === A).at(-1)?.bytes ?? Buffer.alloc(0));
  assert.ok(typeof last !== "string");
  assert.deepEqual([last.state, last.diag], ["AdminDown", 7]);
  assert.equal(stateOf(b), "Down");
  assert.deepEqual(b.told, ["BA up"]);
  clock.advance(5000);
  assert.deepEqual(a.told, ["AB up"]);
});

test("a reload without change sends nothing; with other intervals the session goes on, after a poll", () => {
  const { clock, wire, a, b, config, stateOf } = pair();
  clock.advance(5000);
  wire.sent.length = 0;
  a.sessions.update([{ ...config }]);
  assert.deepEqual(wire.sent, []);
  a.sessions.update([bfdConfig("AB", A, B, { minTx: ms(200) })]);
  clock.advance(1000);
  assert.deepEqual([stateOf(a), stateOf(b), a.told, b.told], ["Up", "Up", ["AB up"], ["BA up"]]);
  const [snapshot] = [...a.sessions.snapshots()];
  assert.equal(snapshot?.txInterval, 200);
  assert.equal([...b.sessions.snapshots()][0]?.detectionTime, 600);
});

test("another neighbour is another session", () => {
  const { clock, a, stateOf } = pair();
  clock.advance(5000);
  a.sessions.update([bfdConfig("AB", A, "192.0.2.9")]);
  assert.equal(stateOf(a), "Down");
  assert.equal(a.sessions.state("AB"), "down");
});

test("from further away than TTL 255 (RFC 5881 §5), for another port, unasked, malformed: dropped, and one line says so", () => {
  const { clock, wire, b, stateOf } = pair({ ttl: 254 });
  clock.advance(5000);
  assert.equal(stateOf(b), "Down");
  const bytes = wire.sent.find(({ from }) => from === A)?.bytes ?? Buffer.alloc(0);
  wire.deliver("192.0.2.77", B, bytes);
  wire.deliver(A, B, bytes.subarray(0, 20));
  for (let i = 0; i < 1000; i++) wire.deliver(A, B, Buffer.alloc(24, i));
  assert.equal(stateOf(b), "Down");
  assert.ok(b.logged.filter((line) => line.startsWith("BFD packet dropped")).length <= 2);
});

test("a session over several hops has its own port, and takes the TTL that max_hops allows", () => {
  const clock = new HandClock();
  const wire = new BfdWire(clock);
  const [a, b] = [wire.host(A), wire.host(B)];
  a.sessions.update([bfdConfig("AB", A, B, { multihop: true, ttl: 250, maxHops: 10 })]);
  b.sessions.update([bfdConfig("BA", B, A, { multihop: true, maxHops: 5 })]);
  clock.advance(3000);
  assert.deepEqual([a.told, b.told], [["AB up"], ["BA up"]]);
});

test("a packet in time keeps the session, whatever was lost before it", () => {
  const { clock, wire, a } = pair();
  clock.advance(5000);
  wire.loses = (from) => from === B;
  clock.advance(95);
  const late = wire.sent.filter(({ from }) => from === B).at(-1)?.bytes ?? Buffer.alloc(0);
  wire.deliver(B, A, late);
  clock.advance(140);
  assert.deepEqual(a.told, ["AB up"]);
});

test("after a stall of the own thread what waits in the socket is heard before silence is found", () => {
  const { clock, a, b } = pair();
  clock.advance(5000);
  clock.stall(300);
  clock.advance(500);
  assert.deepEqual([a.told, b.told], [["AB up"], ["BA up"]]);
});

test("a thread that is late again and again puts silence off once, not for ever", () => {
  const { clock, wire, a } = pair();
  clock.advance(5000);
  wire.loses = () => true;
  clock.advance(100); // the last packet is at least 50 ms old
  clock.stall(100);
  clock.advance(0);
  assert.deepEqual(a.told, ["AB up"]);
  clock.stall(100);
  clock.advance(0);
  assert.deepEqual(a.told, ["AB up", "AB down"]);
});

test("what cannot be sent is told of once", () => {
  const { clock, wire, a } = pair();
  wire.sendError = 101;
  clock.advance(10_000);
  const lines = a.logged.filter((line) => line.includes("cannot send"));
  assert.deepEqual(lines, [
    "(AB) cannot send to 192.0.2.2: ENETUNREACH - the session stays down until that is put right",
  ]);
});
