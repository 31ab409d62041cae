import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GuardConfig } from "../../main/config/model-guard.js";
import { ms, priority } from "../../main/units.js";
import {
  type GuardContext,
  type GuardEvent,
  type GuardState,
  guardStep,
  noAttempt,
  type PeerView,
} from "../../main/vrrp/guard.js";
import { givesWay, oneMaster, type SplitEvent, type SplitState, splitStep } from "../../main/vrrp/guard-split.js";
import { fence, guardConfig, witness } from "../simulation/sim-guard.js";

const peer = (changes: Partial<PeerView> = {}): PeerView => ({
  address: "10.0.0.2",
  standing: "heard",
  silentAt: ms(1300),
  state: "BACKUP",
  priority: 100,
  preempts: false,
  order: 1,
  acknowledged: true,
  ...changes,
});

const context = (changes: Partial<GuardContext> = {}): GuardContext => ({
  config: guardConfig(),
  now: ms(1000),
  priority: priority(150),
  preempting: false,
  peers: [],
  ...changes,
});

/** Where the first look of an attempt ends, and what it does. */
function asked(changes: Partial<GuardContext>): { readonly at: string; readonly does: readonly string[] } {
  const { state, effects } = guardStep(context(changes), noAttempt, { on: "wanted" });
  return { at: state.at, does: effects.map((effect) => effect.do) };
}

const master = peer({ state: "MASTER" });
const stronger = peer({ state: "CANDIDATE", priority: 200 });
const silent = peer({ standing: "silent" });
const hold: Partial<GuardConfig> = { onUnknown: "hold" };

const rows: readonly [name: string, given: Partial<GuardContext>, at: string, does: readonly string[]][] = [
  ["nothing to ask", {}, "clear", ["claim"]],
  ["a peer that is backup and knows of us", { peers: [peer()] }, "clear", ["claim"]],
  ["a peer that does not know of us yet", { peers: [peer({ acknowledged: false })] }, "election", []],
  ["a peer that says MASTER", { peers: [master] }, "held", ["tell"]],
  ["a peer that says MASTER, and is heard by VRRP", { peers: [master], preempting: true }, "election", []],
  ["one of two peers says MASTER", { peers: [peer(), master] }, "held", ["tell"]],
  ["a stronger candidate", { peers: [stronger] }, "election", []],
  ["a weaker candidate", { peers: [peer({ state: "CANDIDATE" })] }, "clear", ["claim"]],
  ["an equal one with a higher address", { peers: [peer({ state: "CANDIDATE", priority: 150 })] }, "election", []],
  [
    "an equal one with a lower address",
    { peers: [peer({ state: "CANDIDATE", priority: 150, order: -1 })] },
    "clear",
    ["claim"],
  ],
  ["a peer that has not been heard yet", { peers: [peer({ standing: "unheard" })] }, "election", []],
  ["a silent peer", { peers: [silent] }, "clear", ["claim"]],
  ["a silent peer, on_unknown hold", { peers: [silent], config: guardConfig(hold) }, "held", ["tell"]],
  ["what a silent peer said last does not count", { peers: [{ ...master, standing: "silent" }] }, "clear", ["claim"]],
  ["a peer that has stopped", { peers: [peer({ state: "STOP", acknowledged: false })] }, "clear", ["claim"]],
  ["a witness", { config: guardConfig({ witnesses: [witness] }) }, "witness", ["askWitnesses"]],
  ["a script", { config: guardConfig({ fence }) }, "fence", ["fence"]],
  [
    "a script that cannot be used",
    { config: guardConfig({ fence: { ...fence, command: undefined } }) },
    "held",
    ["tell"],
  ],
  ["addresses", { config: guardConfig({ probeAddress: ms(200) }) }, "probe", ["probe"]],
  [
    "script and addresses, a weaker master is heard",
    { config: guardConfig({ fence, probeAddress: ms(200) }), preempting: true },
    "clear",
    ["claim"],
  ],
];

for (const [name, given, at, does] of rows)
  test(`wanted, with ${name}: ${at}`, () => assert.deepEqual(asked(given), { at, does }));

/** Events one after another. @returns the last state, and everything that was done */
function play(
  ctx: GuardContext,
  events: readonly GuardEvent[],
): { readonly state: GuardState; readonly does: readonly string[] } {
  let state: GuardState = noAttempt;
  const does: string[] = [];
  for (const event of events) {
    const step = guardStep(ctx, state, event);
    state = step.state;
    does.push(...step.effects.map((effect) => effect.do));
  }
  return { state, does };
}

const answer = (index: number, problem?: string): GuardEvent => ({ on: "witness", number: 1, index, problem });

test("a quorum of witnesses: as soon as enough have answered, and as soon as enough cannot", () => {
  const ctx = context({ config: guardConfig({ witnesses: [witness, witness, witness], witnessQuorum: 2 }) });
  assert.equal(play(ctx, [{ on: "wanted" }, answer(0, "no"), answer(1)]).state.at, "witness");
  assert.equal(play(ctx, [{ on: "wanted" }, answer(0, "no"), answer(1), answer(2)]).state.at, "clear");
  assert.equal(play(ctx, [{ on: "wanted" }, answer(0, "no"), answer(1, "no")]).state.at, "held");
});

test("an answer to an earlier attempt counts no more", () => {
  const ctx = context({ config: guardConfig({ witnesses: [witness] }) });
  const { state } = play(ctx, [{ on: "wanted" }, { on: "dropped" }, { on: "wanted" }, answer(0)]);
  assert.equal(state.at, "witness");
});

test("a script that still runs is not run beside itself, and its success counts", () => {
  const ctx = context({ config: guardConfig({ fence }) });
  const { state, does } = play(ctx, [
    { on: "wanted" },
    { on: "dropped" },
    { on: "wanted" },
    { on: "fenced", problem: undefined },
  ]);
  assert.deepEqual([state.at, does], ["clear", ["fence", "claim"]]);
});

test("a peer that becomes MASTER while everything else held: no claim any more", () => {
  const before = guardStep(context(), noAttempt, { on: "wanted" }).state;
  assert.equal(before.at, "clear");
  assert.equal(guardStep(context({ peers: [master] }), before, { on: "look" }).state.at, "held");
});

const anyPeer = fc.record<PeerView>({
  address: fc.constant("10.0.0.2"),
  standing: fc.constantFrom("heard", "unheard", "silent"),
  silentAt: fc.integer({ min: 0, max: 3000 }).map(ms),
  state: fc.constantFrom("INIT", "BACKUP", "CANDIDATE", "MASTER", "FAULT", "STOP"),
  priority: fc.integer({ min: 0, max: 255 }),
  preempts: fc.boolean(),
  order: fc.constantFrom(-1, 1),
  acknowledged: fc.boolean(),
});
const anyProblem = fc.constantFrom(undefined, "no");
const anyEvent: fc.Arbitrary<GuardEvent> = fc.oneof(
  fc.constantFrom<GuardEvent>({ on: "wanted" }, { on: "dropped" }, { on: "look" }),
  fc.record({
    on: fc.constant("witness" as const),
    number: fc.integer({ min: 0, max: 4 }),
    index: fc.integer({ min: 0, max: 2 }),
    problem: anyProblem,
  }),
  fc.record({ on: fc.constant("fenced" as const), problem: anyProblem }),
  fc.record({
    on: fc.constant("probed" as const),
    number: fc.integer({ min: 0, max: 4 }),
    result: fc.constantFrom(
      { kind: "free" as const },
      { kind: "held" as const, what: "held" },
      { kind: "unknown" as const, problem: "?" },
    ),
  }),
);
const anyStory = fc.record({
  config: fc.record({
    witnesses: fc.constantFrom([], [witness], [witness, witness]),
    probeAddress: fc.constantFrom(undefined, ms(200)),
    fence: fc.constantFrom(undefined, fence),
    onUnknown: fc.constantFrom("claim" as const, "hold" as const),
  }),
  steps: fc.array(
    fc.record({
      event: anyEvent,
      peers: fc.array(anyPeer, { maxLength: 2 }),
      preempting: fc.boolean(),
      wait: fc.integer({ min: 0, max: 2000 }),
    }),
    { maxLength: 30 },
  ),
});

test("property: never a claim beside a heard MASTER or before a stronger candidate, nor unfenced, nor two scripts at a time", () => {
  fc.assert(
    fc.property(anyStory, ({ config, steps }) => {
      let state: GuardState = noAttempt;
      let now = 1000;
      let running = 0;
      let fenced = false;
      for (const { event, peers, preempting, wait } of steps) {
        now += wait;
        if (event.on === "fenced" && running === 0) continue; // nothing has run that could end
        const ctx = context({ config: guardConfig(config), now: ms(now), peers, preempting });
        if (event.on === "fenced") running--;
        const attempting: boolean = state.at !== "idle";
        const { state: next, effects } = guardStep(ctx, state, event);
        if (event.on === "fenced" && event.problem === undefined && attempting) fenced = true;
        if (next.at === "idle") fenced = false;
        for (const effect of effects) {
          if (effect.do === "fence") running++;
          if (effect.do !== "claim") continue;
          const heard = peers.filter(({ standing, state: s }) => standing === "heard" && s !== "STOP");
          assert.ok(heard.every(({ state: s, acknowledged }) => s !== "MASTER" && acknowledged));
          assert.ok(heard.every((one) => one.state !== "CANDIDATE" || one.priority <= ctx.priority));
          assert.ok(config.fence === undefined || fenced || preempting, "fenced");
        }
        assert.ok(running <= 1, "one script at a time");
        if (next.at !== "idle" && next.at !== "fence") assert.ok(next.until !== undefined, `${next.at} ends some time`);
        state = next;
      }
    }),
    { numRuns: 3000 },
  );
});

test("two masters: the second advert of a weaker one is proof, the first is not; silence ends it", () => {
  const advert: SplitEvent = { on: "advert", from: "192.0.2.9", interval: ms(100) };
  const seen: string[] = [];
  let state: SplitState = oneMaster;
  for (const [now, event] of [
    [0, advert],
    [20, advert], // a duplicate
    [100, advert],
    [200, advert],
    [450, { on: "look" }],
    [500, { on: "look" }],
    [600, { on: "look" }],
  ] as const) {
    const step = splitStep(ms(now), state, event);
    state = step.state;
    if (step.tell !== undefined) seen.push(`${now} ${step.tell}`);
  }
  assert.deepEqual(seen, ["100 two", "500 healed"]);
});

test("two masters: only the weaker one gives way, and not before VRRP had three intervals to settle it", () => {
  const { state } = splitStep(ms(0), oneMaster, { on: "heartbeat", from: "10.0.0.2", until: ms(300) });
  const ways = (now: number, rank: "stronger" | "weaker") => givesWay(ms(now), state, rank, ms(100));
  assert.deepEqual([ways(299, "stronger"), ways(300, "stronger"), ways(5000, "weaker")], [false, true, false]);
  assert.equal(givesWay(ms(5000), oneMaster, "stronger", ms(100)), false);
});

test("two masters by heartbeat at once, and over when we leave", () => {
  const two = splitStep(ms(0), oneMaster, { on: "heartbeat", from: "10.0.0.2", until: ms(300) });
  assert.equal(two.tell, "two");
  assert.equal(splitStep(ms(10), two.state, { on: "left" }).tell, "healed");
});
