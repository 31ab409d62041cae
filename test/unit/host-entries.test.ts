import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { RouteConfig, RuleConfig } from "../../main/config/model-routes.js";
import { entryText, type HostEntry } from "../../main/host-entry.js";
import type { ConnectionEvents, Request } from "../../main/netlink/connection.js";
import { type Message, messages, type Verdict } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { KernelEntries } from "../../main/network/host-entries.js";
import type { Link } from "../../main/vrrp/ports.js";
import { recordingLog } from "./notify-support.js";

const OWN_PORT = 77;
const ENODEV = 19;
const EEXIST = 17;
const ESRCH = 3;
const ENETUNREACH = 101;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const NLM_F_REPLACE = 0x100;

const metrics = { plain: {}, times: {}, congestionControl: undefined, ecn: false };
const route = (changes: Partial<RouteConfig> = {}): HostEntry => ({
  kind: "route",
  route: {
    ...{ family: "inet", type: 1, destination: { address: "198.51.100.0", length: 24 }, gateway: "192.0.2.9" },
    ...{ device: "eth0", tos: 0, table: 254, protocol: 18, onlink: false, insertion: "prepend", hops: [], metrics },
    ...changes,
  } as RouteConfig,
});
const rule: HostEntry = {
  kind: "rule",
  rule: { family: "inet", preference: 100, tos: 0, not: false, protocol: 18, action: { do: "nop" } } as RuleConfig,
};

function bench(errno = 0) {
  const { log, lines } = recordingLog();
  const asked: Request[] = [];
  let events: ConnectionEvents = {};
  const groups: number[] = [];
  const link = (name: string): Link | undefined => {
    const common = { running: true, noArp: false, multicast: true, mtu: 1500, mac: new Uint8Array(6) };
    const details = { kind: "vrf", lower: undefined, master: undefined, group: 0, mode: undefined, table: 1001 };
    if (name === "blue") return { index: 5, name, ...common, details };
    return name === "eth0" ? { index: 3, name, ...common } : undefined;
  };
  const ask = (_subject: string, request: Request, done: (verdict: Verdict) => void): void => {
    asked.push(request);
    done({ errno, reason: "" });
  };
  const entries = new KernelEntries(
    { portId: OWN_PORT, ask, link },
    (given) => {
      events = given;
      return { join: (group) => void groups.push(group), [Symbol.dispose]: () => undefined };
    },
    log,
  );
  const add = (entry: HostEntry): Promise<number> => new Promise((resolve) => entries.add(entry, resolve));
  const remove = (entry: HostEntry): Promise<number> => new Promise((resolve) => entries.delete(entry, resolve));
  const notify = (message: Message): void => events.onNotification?.(message);
  return { entries, asked, groups, lines, add, remove, notify, overrun: () => events.onLost?.("too much") };
}

/** A request as the kernel would notify it. */
function notification(request: Request | undefined, changes: Partial<Message> = {}): Message {
  assert.ok(request !== undefined);
  const writer = new MessageWriter();
  writer.begin(request.type, 0, 0);
  request.encode(writer);
  writer.end();
  const [message] = [...messages(Buffer.from(writer.bytes()))];
  assert.ok(message !== undefined);
  return { ...message, portId: 1234, ...changes };
}

test("nothing is listened to before the first entry", async () => {
  const { add, groups } = bench();
  assert.deepEqual(groups, []);
  await add(route());
  await add(rule);
  assert.deepEqual(groups, [7, 11, 8, 19]);
});

test("what others delete or replace is told, what we do ourselves is not", async () => {
  const { entries, add, asked, notify } = bench();
  const lost: string[] = [];
  entries.subscribe({
    onLost: (isThat) => {
      for (const entry of [route(), rule, route({ table: 99 })]) if (isThat(entry)) lost.push(entryText(entry));
    },
    onUnknown: () => undefined,
  });
  await add(route());
  await add(rule);
  const [newRoute, newRule] = asked;
  const take = (): readonly string[] => lost.splice(0);
  notify(notification(newRoute, { type: RTM_DELROUTE, portId: OWN_PORT }));
  assert.deepEqual(take(), []);
  notify(notification(newRoute, { type: RTM_DELROUTE }));
  assert.deepEqual(take(), ["route 198.51.100.0/24"]);
  notify(notification(newRoute, { type: RTM_DELROUTE, portId: 0 }));
  assert.deepEqual(take(), ["route 198.51.100.0/24"], "the kernel's own doing");
  notify(notification(newRoute, { type: RTM_NEWROUTE }));
  assert.deepEqual(take(), []);
  notify(notification(newRoute, { type: RTM_NEWROUTE, flags: NLM_F_REPLACE }));
  assert.deepEqual(take(), [], "replaced by the same");
  notify(notification(newRule, { type: 33 }));
  assert.deepEqual(take(), ["rule preference 100 inet"]);
  await add(route({ gateway: "192.0.2.8" }));
  notify(notification(asked.at(-1), { type: RTM_DELROUTE }));
  assert.deepEqual(take(), [], "another way to the same place");
  notify(notification(asked.at(-1), { flags: NLM_F_REPLACE }));
  assert.deepEqual(take(), ["route 198.51.100.0/24"]);
});

test("of routes that nobody added here nobody hears: there may be a million of them", async () => {
  const { entries, add, asked, notify } = bench();
  let told = 0;
  entries.subscribe({ onLost: () => void told++, onUnknown: () => undefined });
  await add(route({ destination: { address: "203.0.113.0", length: 24 } }));
  const foreign = notification(asked[0], { type: RTM_DELROUTE });
  foreign.payload.set([198, 51, 100], foreign.payload.indexOf(Buffer.from([203, 0, 113])));
  notify(foreign);
  assert.equal(told, 0);
  await add(route());
  notify(foreign);
  assert.equal(told, 1);
});

test("lost notifications: whoever wants entries hears that any may have gone", async () => {
  const { entries, add, overrun } = bench();
  let unknown = 0;
  entries.subscribe({ onLost: () => undefined, onUnknown: () => void unknown++ });
  await add(rule);
  overrun();
  assert.equal(unknown, 1);
  entries[Symbol.dispose]();
  overrun();
  assert.equal(unknown, 1);
});

test("what is there, or is not, is no failure; others say what to do", async () => {
  assert.equal(await bench(EEXIST).add(route()), 0);
  for (const errno of [ESRCH, ENODEV]) assert.equal(await bench(errno).remove(route()), 0);
  const { add, lines } = bench(ENETUNREACH);
  assert.equal(await add(route()), ENETUNREACH);
  assert.match(
    JSON.stringify(lines),
    /cannot add route 198\.51\.100\.0\/24: ENETUNREACH: no interface reaches its gateway/,
  );
});

test("a route over an interface that is missing is not asked for", async () => {
  const { add, remove, asked, lines } = bench();
  assert.equal(await add(route({ device: "eth9" })), ENODEV);
  assert.match(JSON.stringify(lines), /there is no interface eth9; it is added when the interface comes/);
  assert.equal(await remove(route({ device: "eth9" })), 0);
  await nextTurn();
  assert.equal(asked.length, 0);
});

test("the table of a VRF is that of its interface", async () => {
  const { add, asked, entries } = bench();
  await add(route({ vrf: "blue" }));
  const { payload } = notification(asked[0]);
  assert.ok(payload.includes(Buffer.from([8, 0, 15, 0, 0xe9, 3, 0, 0])), "RTA_TABLE 1001");
  assert.notEqual(entries.identity(route({ vrf: "blue" })), entries.identity(route()));
});
