import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../main/clock.js";
import type { Log } from "../../main/observe/log.js";
import { ms, port } from "../../main/units.js";
import { channel, encodeHeartbeat } from "../../main/vrrp/heartbeat-message.js";
import { HeartbeatSockets } from "../../main/vrrp/heartbeat-sockets.js";
import { stays, until } from "../harness/until.js";

/** Real sockets on loopback. */

const clock: Clock = {
  now: () => ms(performance.now()),
  after: (delay, fn) => {
    const timer = setTimeout(fn, delay);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
const PORT = port(20_000 + (process.pid % 20_000));
const local = "127.0.113.1";
const peer = "127.0.113.2";

/** What we send begins our session. */
const SESSION = 77;

const message = (vrid: number, heardSession = SESSION): Buffer =>
  encodeHeartbeat(
    {
      family: "inet",
      vrid,
      state: "BACKUP",
      priority: 100,
      asks: false,
      preempts: false,
      session: SESSION,
      number: 1,
      heardSession,
      heardNumber: 0,
    },
    { from: peer, to: local },
    undefined,
  );

/** A second is over when the test says so: a slow machine sends no 5000 messages in a real one. */
function byHand() {
  const held = new Set<() => void>();
  const on: Clock = {
    now: clock.now,
    after: (_delay, fn) => {
      held.add(fn);
      return { [Symbol.dispose]: () => void held.delete(fn) };
    },
  };
  const passes = (): void => {
    for (const fn of [...held]) if (held.delete(fn)) fn();
  };
  return { on, passes };
}

/** Two instances that share one socket. */
async function shared(t: TestContext, on: Clock = clock) {
  const logs: string[] = [];
  const log: Log = Object.assign((_level: string, _event: string, sentence: string) => void logs.push(sentence), {
    detail: false,
  });
  const sockets = new HeartbeatSockets(on, log);
  const heard: string[] = [];
  let ready = 0;
  const open = (vrid: number) =>
    sockets.open({ local, peer, port: PORT }, channel("inet", vrid), {
      onMessage: () => void heard.push(`${vrid}`),
      onReady: () => ready++,
    });
  const [one, two] = [open(51), open(52)];
  t.after(() => [one, two].forEach((socket) => void socket[Symbol.dispose]()));
  await until("both are ready", 5000, () => ready === 2);
  return { heard, logs, one, two };
}

async function sender(t: TestContext, address: string) {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  t.after(() => socket.close());
  socket.bind({ address, port: PORT });
  await once(socket, "listening");
  return socket;
}

test("each instance hears its own channel, of its peer alone; a closed one hears nothing", async (t) => {
  const { heard, one, two } = await shared(t);
  const [real, stranger] = [await sender(t, peer), await sender(t, "127.0.113.3")];
  for (let i = 0; i < 20; i++) stranger.send(message(51), PORT, local);
  for (const vrid of [51, 52, 53]) real.send(message(vrid), PORT, local);
  real.send(Buffer.from("no heartbeat"), PORT, local);
  await until("both are heard", 5000, () => heard.length >= 2);
  await stays("nothing else is", 100, () => heard.length === 2 && heard.includes("51") && heard.includes("52"));
  one[Symbol.dispose]();
  real.send(message(51), PORT, local);
  real.send(message(52), PORT, local);
  await until("the other one goes on", 5000, () => heard.length === 3);
  two[Symbol.dispose]();
});

type Sender = Awaited<ReturnType<typeof sender>>;

/** A hundred messages, and a turn of the loop for those who hear them. */
async function burst(from: Sender, bytes: Buffer): Promise<void> {
  for (let i = 0; i < 100; i++) from.send(bytes, PORT, local);
  await nextTurn();
}

/** In the peer's name, by somebody who does not hear us. */
async function flood(from: Sender, messages: number): Promise<void> {
  for (let i = 0; i < messages / 100; i++) await burst(from, message(51, 0));
}

test("in a flood of those who do not know our session the peer is heard, and no socket is closed", {
  timeout: 180_000,
}, async (t) => {
  const { on, passes } = byHand();
  const { heard, logs, one, two } = await shared(t, on);
  for (const [vrid, socket] of [
    [51, one],
    [52, two],
  ] as const)
    socket.send(message(vrid));
  const real = await sender(t, peer);
  for (let i = 0; i < 10 && logs.length === 0; i++) await flood(real, 10_000);
  assert.match(logs.join(), /^More than 5000 heartbeats in a second from 127\.0\.113\.2 to 127\.0\.113\.1.* tcpdump/);
  for (let i = 0; i < 50; i++) await nextTurn(); // what was in the socket before the filter is read, some 30 in each
  const before = heard.length;
  await flood(real, 20_000);
  for (const vrid of [51, 52]) real.send(message(vrid), PORT, local);
  await until("the peer is heard", 5000, () => heard.length >= before + 2);
  assert.deepEqual([heard.slice(before), one.problem], [["51", "52"], undefined]);
  one.send(Buffer.from(message(51, 0)).fill(5, 12, 18)); // another session
  const after = heard.length;
  real.send(message(51, 0x0505_0505_0505), PORT, local);
  await until("who repeats the new session is heard", 5000, () => heard.length > after);
  passes();
  const open = heard.length;
  await until("ten seconds later greetings are heard again", 5000, () => {
    real.send(message(52, 0), PORT, local);
    return heard.length > open;
  });
});

test("a flood by somebody who hears us is not heard for the rest of the second, and then the peer is heard again", {
  timeout: 180_000,
}, async (t) => {
  const { on, passes } = byHand();
  const { heard, logs, one } = await shared(t, on);
  one.send(message(51));
  const real = await sender(t, peer);
  const flooded = (): Promise<number> =>
    until("the flood is noticed", 60_000, async () => {
      for (let i = 0; i < 50 && one.problem === undefined; i++) await burst(real, message(51));
      return one.problem !== undefined;
    });
  await flooded();
  assert.match(one.problem ?? "", /more than 5000 messages in a second/);
  assert.ok(heard.length <= 5000 * 2 + 1, `${heard.length} were heard`);
  assert.match(logs.join("\n"), /No heartbeats between 127\.0\.113\.1 and 127\.0\.113\.2/);
  passes();
  await until("it is open again", 5000, () => one.problem === undefined);
  const before = heard.length;
  await until("and hears", 5000, () => {
    real.send(message(52), PORT, local);
    return heard.length > before;
  });
  const told = logs.length;
  await flooded();
  assert.match(one.problem ?? "", /more than 5000 messages in a second/, "it goes on");
  assert.equal(logs.length, told, "and does not fill the log");
});

test("a peer to which there is no way is tried again, and sending to it meanwhile harms nobody", async () => {
  const logs: string[] = [];
  const log: Log = Object.assign((_level: string, _event: string, sentence: string) => void logs.push(sentence), {
    detail: false,
  });
  let ready = 0;
  const handlers = { onMessage: () => undefined, onReady: () => void ready++ };
  // From a loopback address nobody outside can be reached: EINVAL, as ENETUNREACH without a route.
  const path = { local, peer: "203.0.113.5", port: PORT } as const;
  const socket = new HeartbeatSockets(clock, log).open(path, channel("inet", 51), handlers);
  await until("it says why", 5000, () => logs.length > 0);
  assert.match(logs.join("\n"), /^No heartbeats between 127\.0\.113\.1 and 203\.0\.113\.5, UDP port \d+: E[A-Z]+; /);
  socket.send(message(51));
  assert.equal(ready, 0);
  assert.notEqual(socket.problem, undefined);
  socket[Symbol.dispose]();
});
