import type { OpenLog } from "../observe/create-log.js";
import type { LoopDelay } from "../observe/loop-delay.js";
import type { BfdSide } from "./bfd-side.js";
import type { LvsSide } from "./lvs-side.js";
import type { IpvsStatus, StatusDocument, Streamed, VirtualServerStatus } from "./status.js";
import { latencyStatus, virtualServerStatus } from "./status-view.js";
import { version } from "./version.js";
import type { VrrpSide } from "./vrrp-side.js";

export interface Sides {
  readonly vrrp: VrrpSide | undefined;
  readonly lvs: LvsSide | undefined;
  readonly bfd: BfdSide | undefined;
}

/** Puts the status document together, piece by piece while it is written. */
export class StatusReporter {
  readonly #loopDelay: LoopDelay;
  readonly #log: OpenLog;

  constructor(loopDelay: LoopDelay, log: OpenLog) {
    this.#loopDelay = loopDelay;
    this.#log = log;
  }

  /** Asks the checker threads for their latencies first, for a second at most. */
  async document({ vrrp, lvs, bfd }: Sides): Promise<Streamed<StatusDocument>> {
    const latency = await lvs?.latency();
    const selfCheck = lvs?.selfCheck();
    return {
      version,
      pid: process.pid,
      instances: vrrp?.statuses() ?? [],
      virtualServers: lvs === undefined ? [] : servers(lvs, latency?.last),
      ...(bfd === undefined ? {} : { bfd: bfd.statuses() }),
      ...(selfCheck === undefined ? {} : { selfCheck }),
      ipvs: ipvsStatus(lvs),
      latency: latency === undefined ? {} : latencyStatus(latency),
      loopDelay: this.#loopDelay.summary(),
      log: { dropped: this.#log.dropped() },
    };
  }
}

function* servers(
  lvs: LvsSide,
  last: Parameters<LvsSide["virtualServers"]>[0],
): Generator<Streamed<VirtualServerStatus>> {
  for (const { config, snapshot } of lvs.virtualServers(last)) yield virtualServerStatus(config, snapshot);
}

function ipvsStatus(lvs: LvsSide | undefined): IpvsStatus {
  const snapshot = lvs?.ipvs();
  if (snapshot === undefined) return { backend: "none", services: 0, destinations: 0, pollPeriodMs: 0, drift: 0 };
  const { backend, services, destinations, pollPeriod, drift } = snapshot;
  return { backend, services, destinations, pollPeriodMs: pollPeriod, drift: drift.length };
}
