import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Advert } from "../harness/frames.js";
import { intervalOf, type Kind, masterDownOf, skewOf, vridOf } from "./interop-kinds.js";
import { priorities, type Stand, type Who } from "./interop-stand.js";

/**
 * How late a router may be on a machine with other work. What it is on a quiet one is the crash test's matter (failover.test.ts);
 * too early is never right.
 */
const SLACK_MS = 1500;
/** So soon after an advert, what another router sends was under way when it came. */
const CROSSING_MS = 20;
/** Capture and clock: a timer is not cut to the microsecond. */
const EARLY_MS = 1;

/** Whose advert it is: the sides differ in priority, unless a case says otherwise. Nobody's: the good-bye. */
const sentBy = ({ priority }: Advert): Who | undefined =>
  priority === 0 ? undefined : priority === priorities.b ? "b" : "a";

const text = (kind: Kind, what: string, ms: number, least: number, most: number): string =>
  `${kind.name}: ${what} ${ms.toFixed(1)} ms, wanted ${least.toFixed(0)} to ${most.toFixed(0)}`;

/** Moment on the clock of the capture; performance.timeOrigin is another one after minutes of slewing. */
export const now = (): number => Date.now();

const own = (list: readonly Advert[], who: Who, from: number): readonly Advert[] =>
  list.filter((advert) => advert.at >= from && sentBy(advert) === who);

/** Until the capture, a process like others, has what was sent: before, for what must not be there; at most, for what must. */
const CAPTURE_MS = { least: 300, most: 10_000 } as const;

async function each(stand: Stand, judge: (kind: Kind, adverts: readonly Advert[]) => void): Promise<void> {
  await sleep(CAPTURE_MS.least);
  const deadline = performance.now() + CAPTURE_MS.most;
  for (;;) {
    const all = await stand.adverts();
    const failures = stand.kinds.flatMap((kind, i) => {
      const adverts = all.filter(({ vrid }) => vrid === vridOf(i));
      return kind.device === "eth1" ? [] : failureOf(() => judge(kind, adverts), adverts);
    });
    if (failures.length === 0) return;
    if (performance.now() > deadline) assert.fail(failures.join("\n"));
    await sleep(200);
  }
}

function failureOf(judge: () => void, adverts: readonly Advert[]): readonly string[] {
  try {
    judge();
    return [];
  } catch (error) {
    const lately = adverts.slice(-20).map(({ at, priority }) => `${(at % 100_000).toFixed(0)}: ${priority}`);
    return [`${error instanceof Error ? error.message : String(error)} (${lately.join(", ")})`];
  }
}

/** `to` took over from `from`, which said nothing any more: after Master_Down_Interval, in ms of its own or as told. */
export async function tookOverAfterSilence(
  stand: Stand,
  [from, to]: readonly [Who, Who],
  since: number,
  interval: (kind: Kind) => number = (kind) => masterDownOf(kind, priorities[to]),
): Promise<void> {
  await each(stand, (kind, adverts) => {
    const first = own(adverts, to, since)[0];
    assert.ok(first !== undefined, `${kind.name}: ${to} sends no advert`);
    const last = adverts.findLast((advert) => sentBy(advert) === from && advert.at < first.at);
    assert.ok(last !== undefined, `${kind.name}: ${from} sent no advert`);
    const [took, least] = [first.at - last.at, interval(kind)];
    assert.ok(
      took >= least - EARLY_MS && took <= least + SLACK_MS,
      text(kind, "silence", took, least, least + SLACK_MS),
    );
  });
}

/** `from` said good-bye, and `to` took over after skew time. */
export async function tookOverAfterGoodbye(stand: Stand, to: Who, since: number): Promise<void> {
  await each(stand, (kind, adverts) => {
    const first = own(adverts, to, since)[0];
    const goodbye = adverts.find(({ at, priority }) => at >= since && priority === 0);
    assert.ok(goodbye !== undefined, `${kind.name}: no advert of priority 0`);
    assert.ok(first !== undefined, `${kind.name}: ${to} sends no advert`);
    const [took, least] = [first.at - goodbye.at, skewOf(kind, priorities[to])];
    assert.ok(took >= least - EARLY_MS && took <= least + SLACK_MS, text(kind, "skew", took, least, least + SLACK_MS));
  });
}

/**
 * What `other` sent though adverts of `winner` came in time. Where the machine made the winner late, the other one was right to
 * take over meanwhile, also when the late advert was under way just then.
 */
const sentInSpiteOf = (adverts: readonly Advert[], kind: Kind, winner: Who, since: number): readonly Advert[] =>
  own(adverts, winner === "a" ? "b" : "a", since).filter(({ at }) =>
    adverts.some(
      (advert) => sentBy(advert) === winner && advert.at < at - CROSSING_MS && advert.at > at - 2 * intervalOf(kind),
    ),
  );

/** Once `winner` has been heard, the other one is quiet. */
export async function yieldedTo(stand: Stand, winner: Who, since: number): Promise<void> {
  await each(stand, (kind, adverts) => {
    const first = own(adverts, winner, since)[0];
    assert.ok(first !== undefined, `${kind.name}: ${winner} sends no advert`);
    const took = (sentInSpiteOf(adverts, kind, winner, first.at).at(-1)?.at ?? first.at) - first.at;
    assert.ok(took <= SLACK_MS, text(kind, "two masters for", took, 0, SLACK_MS));
  });
}

/** Nobody but `who` has sent anything, and `who` in its rhythm. */
export async function onlyAdvertiser(stand: Stand, who: Who, since: number): Promise<void> {
  await each(stand, (kind, adverts) => {
    const others = sentInSpiteOf(adverts, kind, who, since);
    assert.equal(others.length, 0, `${kind.name}: ${others.length} adverts of another one`);
    const times = own(adverts, who, since).map(({ at }) => at);
    const most = Math.max(0, ...times.slice(1).map((at, i) => at - (times[i] ?? at)));
    assert.ok(times.length > 1 && most < intervalOf(kind) + SLACK_MS, `${kind.name}: a gap of ${most.toFixed(0)} ms`);
  });
}

/** An advert of this priority was seen. */
export async function advertised(stand: Stand, priority: number, since: number): Promise<void> {
  await each(stand, (kind, adverts) => {
    const found = adverts.some((advert) => advert.at >= since && advert.priority === priority);
    assert.ok(found, `${kind.name}: no advert of priority ${priority}`);
  });
}
