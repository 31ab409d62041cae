import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SelfCheck, type SelfCheckEvent } from "../../main/control/self-check.js";
import { lookAtSelf, type SelfCheckState } from "../../main/health/self-check.js";
import { TargetCensus } from "../../main/health/target-census.js";
import { type CheckId, ms } from "../../main/units.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import type { CheckSpec } from "../../workers/protocol.js";
import { globalConfig } from "../harness/config-fixtures.js";
import { load } from "./config-fake-host.js";
import { spec, tcpCheck } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** self_check: when the table is held, and that it never is for longer than it may be. */

const HOLD = ms(60_000);
const SETTLE = ms(5000);

test("the table is held while there is trouble and a while after, never longer than `hold`, and not again before the trouble is over", () => {
  const looks = fc.array(fc.record({ after: fc.integer({ min: 1, max: 9000 }), trouble: fc.boolean() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(looks, (told) => {
      let state: SelfCheckState = { at: "watching" };
      let now = 0;
      let heldSince: number | undefined;
      let lastTrouble = Number.NEGATIVE_INFINITY;
      for (const { after, trouble } of told) {
        now += after;
        const before: SelfCheckState = state;
        const looked = lookAtSelf({ hold: HOLD }, SETTLE, state, trouble, ms(now));
        state = looked.state;
        if (trouble) lastTrouble = now;
        if (looked.change === "hold") assert.equal(before.at, "watching");
        if (before.at === "spent") assert.notEqual(state.at, "holding");
        if (state.at !== "holding") heldSince = undefined;
        else {
          heldSince ??= now;
          assert.ok(now - heldSince < HOLD);
        }
        if (state.at === "watching") assert.ok(!trouble && (before.at === "watching" || now - lastTrouble >= SETTLE));
        if (trouble && before.at === "watching") assert.equal(state.at, "holding");
      }
    }),
  );
});

const target = (n: number, group: number) => ({ id: n as CheckId, host: `10.0.0.${n}`, groups: [group] });

test("a crowd is most of the hosts that were well, of more than one virtual server, within one interval", () => {
  const census = new TargetCensus();
  census.hosts = 9;
  census.edge(target(9, 1), false, ms(0)); // failed long ago
  for (const n of [1, 2, 3, 4]) census.edge(target(n, 1), false, ms(10_000));
  assert.equal(census.crowd(ms(5000), 50), undefined, "half is not most");
  census.edge(target(5, 1), false, ms(11_000));
  assert.equal(census.crowd(ms(5000), 50), undefined, "one virtual server has them all");
  census.edge(target(6, 2), false, ms(11_000));
  assert.deepEqual(census.crowd(ms(5000), 50), { failed: 6, of: 8 });
  assert.equal(census.crowd(ms(10_500), 50), undefined, "some failed earlier");
  for (const n of [1, 2]) census.edge(target(n, 1), true, ms(12_000));
  assert.equal(census.crowd(ms(5000), 50), undefined, "some are back");
});

test("hosts with a thousand virtual servers each that fail together take no time that grows with its square", () => {
  const [hosts, servers] = [64, 1000];
  const census = new TargetCensus();
  census.hosts = hosts;
  const begun = threadCpuTime();
  for (let server = 0; server < servers; server++)
    for (let n = 0; n < hosts; n++)
      census.edge(
        { id: (server * hosts + n) as CheckId, host: `10.0.0.${n}`, groups: [n * servers + server] },
        false,
        ms(0),
      );
  assert.deepEqual(census.crowd(ms(0), 50), { failed: hosts, of: hosts });
  const took = threadCpuTime() - begun;
  assert.ok(took < 500, `${took.toFixed(0)} ms: 64,000 edges at some microseconds each`);
});

async function running(lines: string) {
  const clock = new HandClock();
  const { log, lines: logged } = recordingLog();
  const events: SelfCheckEvent[] = [];
  const frozen: boolean[] = [];
  let up: boolean | undefined = true;
  let alive = true;
  let changed = (): void => undefined;
  const check = new SelfCheck({
    clock,
    log,
    open: async () => ({
      link: () => (up === undefined ? undefined : { running: up }) as never,
      subscribe: (fn) => {
        changed = () => fn(undefined as never);
        return { [Symbol.dispose]: () => undefined };
      },
      [Symbol.dispose]: () => undefined,
    }),
    poolAlive: () => alive,
    freeze: (now) => frozen.push(now),
    onChange: (event) => events.push(event),
  });
  const { config } = load(`global_defs {\nself_check ${lines}\n}\n`);
  const selfCheck = config?.global.selfCheck;
  assert.ok(selfCheck);
  await check.configure({ global: globalConfig({ selfCheck }) });
  /** @param now undefined: it does not exist */
  const uplink = (now: boolean | undefined): void => {
    up = now;
    changed();
  };
  const said = (): readonly string[] => logged.map(({ sentence }) => sentence);
  return { check, clock, said, events, frozen, uplink, pool: (now: boolean) => (alive = now) };
}

test("an uplink that is down holds the table at once, and until its checks have passed again", async () => {
  const { clock, said, frozen, uplink, events, check } = await running("interface eth1 notify_fifo");
  uplink(false);
  assert.deepEqual([frozen, events.at(-1)?.config.tellsFifo], [[true], true]);
  clock.advance(3000);
  uplink(true);
  assert.deepEqual([frozen, check.status()?.state], [[true], "holding"]);
  clock.advance(1500);
  assert.deepEqual(frozen, [true, false]);
  assert.deepEqual(said(), [
    "self_check: uplink eth1 is down: holding the table, for 60 s at most",
    "self_check: the trouble is over: the table is no longer held",
  ]);
});

test("an uplink that does not exist is called so", async () => {
  const { said, uplink } = await running("interface eth1");
  uplink(undefined);
  assert.deepEqual(said(), ["self_check: uplink eth1 does not exist: holding the table, for 60 s at most"]);
});

test("what does not end gets through after `hold`, once", async () => {
  const { clock, frozen, pool, check } = await running("hold 5");
  pool(false);
  clock.advance(500);
  assert.deepEqual(frozen, [true]);
  clock.advance(5000);
  assert.deepEqual([frozen, check.status()?.state], [[true, false], "spent"]);
  clock.advance(60_000);
  assert.deepEqual(frozen, [true, false]);
  pool(true);
  clock.advance(2000);
  assert.deepEqual(check.status(), { state: "watching", holds: 1, trouble: "" });
  check[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});

test("most hosts failing at once hold the table before the director hears of the last of them", async () => {
  const { check, frozen, said } = await running("");
  const specs = [1, 2, 3, 4, 5, 6].map(
    (n): CheckSpec => spec(n, tcpCheck({ delayLoop: ms(2000) }, 80, `10.0.0.${n}`), undefined, [n % 2]),
  );
  for (const _ of check.count(specs));
  const edges = [1, 2, 3, 4].map((n) => ({ id: n as CheckId, up: false }) as never);
  check.onEdges(edges, (id) => specs.find((one) => one.id === id));
  assert.deepEqual(frozen, [true]);
  assert.match(said()[0] ?? "", /^self_check: 4 of 6 hosts have failed within 14 s: holding/);
});

test("switched off and on again it knows nothing of hosts that have recovered meanwhile", async () => {
  const { check, clock, frozen } = await running("");
  const specs = Array.from({ length: 10 }, (_, n) => spec(n, tcpCheck({}, 80, `10.0.0.${n}`), undefined, [n % 2]));
  const tell = (up: boolean, ...ids: number[]): void =>
    check.onEdges(
      ids.map((id) => ({ id: id as CheckId, up }) as never),
      (id) => specs.find((one) => one.id === id),
    );
  const { config } = load("global_defs {\nself_check\n}\n");
  assert.ok(config?.global.selfCheck);
  for (const _ of check.count(specs));
  tell(false, 0, 1, 2, 3);
  await check.configure({ global: globalConfig() });
  tell(true, 0, 1, 2, 3);
  clock.advance(60_000);
  await check.configure({ global: globalConfig({ selfCheck: config.global.selfCheck }) });
  for (const _ of check.count(specs));
  tell(false, 4, 5, 6, 7);
  assert.deepEqual(frozen, [], "4 of 10 hosts are no crowd");
});

test("uplinks that cannot be looked at are an error in the log; the next reload tries again", async () => {
  const { log, lines } = recordingLog();
  let opened = 0;
  using check = new SelfCheck({
    ...{ clock: new HandClock(), log, poolAlive: () => true, freeze: () => undefined, onChange: () => undefined },
    open: () => {
      opened += 1;
      return Promise.reject(new Error("EMFILE: too many open files, socket"));
    },
  });
  const { config } = load("global_defs {\nself_check interface eth0\n}\n");
  const selfCheck = config?.global.selfCheck;
  assert.ok(selfCheck !== undefined && selfCheck.interfaces.length === 1);
  for (let i = 0; i < 2; i++) await check.configure({ global: globalConfig({ selfCheck }) });
  assert.deepEqual([opened, lines.map(({ event }) => event)], [2, ["self-check.blind", "self-check.blind"]]);
  assert.match(lines[0]?.sentence ?? "", /EMFILE/);
  assert.equal(check.status()?.state, "watching");
});
