import type { Milliseconds } from "../units.js";
import type { GuardCounters, GuardSnapshot } from "../vrrp/instance-guard.js";

/** split_brain_guard in the status document and in the answer to "why?". Times are before the answer. */
export interface GuardStatus {
  /** What it waits for before it claims the addresses; absent: nothing, or it is not asked. */
  readonly waits?: string;
  readonly waitsForMs?: number;
  /** Another master is seen beside this one. */
  readonly twoMasters?: { readonly from: string; readonly forMs: number };
  readonly peers: readonly PeerStatus[];
  /** As last asked; `problem` absent: it answered. */
  readonly witnesses: readonly { readonly name: string; readonly problem?: string }[];
  readonly counters: GuardCounters;
}

export interface PeerStatus {
  readonly address: string;
  /** What it last said that it is; absent: not heard yet. */
  readonly state?: string;
  readonly priority?: number;
  readonly heardMsAgo?: number;
  readonly silent: boolean;
  /** Why nothing can be heard or sent. */
  readonly problem?: string;
}

export function guardStatus(guard: GuardSnapshot, now: Milliseconds): GuardStatus {
  const { waits, since, twoMasters, peers, witnesses, counters } = guard;
  return {
    ...(waits === undefined ? {} : { waits, waitsForMs: now - (since ?? now) }),
    ...(twoMasters === undefined ? {} : { twoMasters: { from: twoMasters.from, forMs: now - twoMasters.since } }),
    peers: peers.map(({ address, state, priority, heardAt, standing, problem }) => ({
      address,
      ...(heardAt === undefined ? {} : { state, priority, heardMsAgo: now - heardAt }),
      silent: standing === "silent",
      ...(problem === undefined ? {} : { problem }),
    })),
    witnesses: witnesses.map(({ name, problem }) => ({ name, ...(problem === undefined ? {} : { problem }) })),
    counters,
  };
}

/** Lines for `holdfast why`. */
export function guardLines(guard: GuardStatus | undefined): readonly string[] {
  if (guard === undefined) return [];
  const { waits, waitsForMs = 0, twoMasters, peers, witnesses, counters } = guard;
  const seconds = (time: number): string => `${(time / 1000).toFixed(2)} s`;
  const heard = ({ state, priority, heardMsAgo, silent, problem }: PeerStatus): string => {
    const last =
      heardMsAgo === undefined ? "never heard" : `${state}, priority ${priority}, ${seconds(heardMsAgo)} ago`;
    return `${last}${silent ? ", silent" : ""}${problem === undefined ? "" : `: ${problem}`}`;
  };
  return [
    ...(waits === undefined ? [] : [`holds the claim for ${seconds(waitsForMs)}: ${waits}`]),
    ...(twoMasters === undefined
      ? []
      : [`two masters for ${seconds(twoMasters.forMs)}: ${twoMasters.from} is one too`]),
    ...peers.map((peer) => `heartbeat ${peer.address}: ${heard(peer)}`),
    ...witnesses.map(({ name, problem }) => `witness ${name}: ${problem ?? "answers"}`),
    `held ${counters.held}, let through ${counters.claims}, two masters ${counters.twoMasters} times`,
  ];
}
