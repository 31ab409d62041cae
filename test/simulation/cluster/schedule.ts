/**
 * One story: who is on the segment and what happens to them. Plain data, so that it can be written down, sent to a thread,
 * made smaller, and played again. Times are milliseconds since the start; every trouble says how long it lasts, so that
 * taking out any of them leaves a world that heals.
 */
export interface Schedule {
  /** Decides the fate of packets and the order of what waited during a pause. */
  readonly seed: number;
  readonly version: 2 | 3;
  /** Most that a packet takes on the whole network. */
  readonly latency: number;
  /** Each router has this many instances, with a VRID of its own each. */
  readonly instances: 1 | 2;
  /** Adverts go to each of the others by its address. */
  readonly unicast: boolean;
  /** The instances of a router are one sync group: they move together. */
  readonly grouped: boolean;
  readonly routers: readonly RouterSpec[];
  /** In order of time. */
  readonly incidents: readonly Incident[];
}

export interface RouterSpec {
  /** Last octet of its address: ties are broken by it. */
  readonly host: number;
  readonly startAt: number;
  /** How much faster than the others its clock runs, in millionths. */
  readonly drift: number;
  readonly interval: number;
  /** By instance. 255: the owner of the addresses. */
  readonly priorities: readonly number[];
  readonly preempt: boolean;
  readonly preemptDelay: number;
  /** Weight of a tracked script, 0: its failure is a fault. */
  readonly scriptWeight: number | undefined;
  /** Which instance tracks it. */
  readonly scriptOf: "all" | 0 | 1;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  /** garp_master_delay: a second timer while MASTER. 0: none. */
  readonly garpDelay: number;
}

export type Incident = {
  readonly at: number;
  /** How long it lasts; of a router that goes: until it is back. */
  readonly for: number;
} & Trouble;

export type Trouble =
  /** `midway` 0: at once. Else before that action (packet, address, notification) of the next turn that has so many. */
  | { readonly do: "crash"; readonly router: number; readonly midway: number }
  | { readonly do: "stop"; readonly router: number; readonly release: boolean }
  /** The process does not run: garbage collection, SIGSTOP, a VM that moves. `clock`: whether boot time goes on. */
  | {
      readonly do: "pause";
      readonly router: number;
      readonly clock: "runs" | "stands";
      readonly first: "timers" | "packets";
    }
  | { readonly do: "reload"; readonly router: number; readonly change: Change }
  | { readonly do: "script"; readonly router: number }
  /** The interface is down, or has lost the address that adverts come from. */
  | { readonly do: "carrier" | "address"; readonly router: number }
  /** Somebody else takes a virtual address off the interface. */
  | { readonly do: "steal"; readonly router: number; readonly instance: number }
  /** Nothing gets from the one to the other. */
  | { readonly do: "cut"; readonly from: number; readonly to: number }
  /** Nothing gets from these routers to the others, nor back. */
  | { readonly do: "split"; readonly routers: readonly number[] }
  /** Somebody who is no router of ours speaks for the first virtual router, one advert per interval. */
  | {
      readonly do: "forge";
      readonly priority: number;
      readonly interval: number;
      readonly wrong: "nothing" | "checksum" | "hop limit";
    }
  | { readonly do: "weather"; readonly loss: number; readonly duplicate: number; readonly delay: number };

export type Change =
  | { readonly what: "nothing" }
  | { readonly what: "priority"; readonly by: number }
  | { readonly what: "interval"; readonly to: number }
  | { readonly what: "preempt" }
  /** One more virtual address, or not any more. */
  | { readonly what: "extra-address" };

export const nameOf = (router: number): string => `r${router}`;

export const longestInterval = (schedule: Schedule): number => {
  const learned = schedule.incidents.flatMap((i) => {
    if (i.do === "forge") return [i.interval];
    return i.do === "reload" && i.change.what === "interval" ? [i.change.to] : [];
  });
  return Math.max(...schedule.routers.map((r) => r.interval), ...learned);
};

/** When the last trouble is over. */
export function troubleEnds(schedule: Schedule): number {
  const starts = schedule.routers.map((r) => r.startAt);
  const ends = schedule.incidents.map((i) => {
    const later = i.do === "weather" ? i.delay : i.do === "crash" && i.midway > 0 ? i.for : 0;
    return i.at + i.for + later;
  });
  return Math.max(0, ...starts, ...ends);
}
