import type { CheckEdge } from "../../workers/protocol.js";
import type { IpAddress } from "../address.js";
import type { RealServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { CheckId, Milliseconds, Port } from "../units.js";
import { realServerName } from "./names.js";
import { type CheckerState, isAlive, type RealServerState } from "./real-server.js";
import { isInService } from "./removal-floor.js";
import type { VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";
import { effectiveWeight } from "./weights.js";

/** For status, dumps and metrics: what is so now. */
export interface VirtualServerSnapshot {
  readonly name: string;
  readonly quorum: "up" | "down";
  readonly quorumWanted: number;
  readonly weightAlive: number;
  readonly sorryServer: { readonly name: string; readonly active: boolean } | undefined;
  /** Of its state, by the clock of the daemon. */
  readonly since: Milliseconds;
  /** Whose histograms count its checks. */
  readonly group: number;
  /** ha_suspend: its checks rest. */
  readonly rests: boolean;
  /** To be walked once, as they are then: of ten thousand servers nobody makes a list. */
  readonly realServers: Iterable<RealServerSnapshot>;
}

export interface RealServerSnapshot {
  readonly config: RealServerConfig;
  readonly name: string;
  readonly address: IpAddress;
  readonly port: Port;
  readonly alive: boolean;
  /** Of that, by the clock of the daemon. */
  readonly since: Milliseconds;
  /** Not alive, but kept in the table, since then; absent: not. */
  readonly heldSince?: Milliseconds;
  /** As configured; what IPVS has to hold is in the pool. */
  readonly weight: number;
  /** With what the checks add to it. */
  readonly effectiveWeight: number;
  /** Checks that are down. */
  readonly failed: number;
  /** IPVS is to hold it, with whatever weight. */
  readonly inPool: boolean;
  readonly checks: readonly CheckSnapshot[];
}

export interface CheckSnapshot {
  /** Undefined: it has no name yet, at a first start. */
  readonly id: CheckId | undefined;
  readonly type: ServerCheckConfig["type"];
  readonly state: CheckerState;
  /** What it adds to the weight. */
  readonly delta: number;
  /** The last state change heard of; undefined when there was none since the start. */
  readonly lastEdge: DatedEdge | undefined;
  /** The last one that was a failure. */
  readonly lastFailure: DatedEdge | undefined;
  /** Of the last attempt that passed. */
  readonly latency: Milliseconds | undefined;
}

export interface DatedEdge {
  readonly edge: CheckEdge;
  readonly at: Milliseconds;
}

export interface CheckPlace {
  readonly server: number;
  readonly checker: number;
}

/** What is looked up; checks have no state of their own here. */
export interface CheckLookup {
  id(check: CheckPlace): CheckId | undefined;
  edge(check: CheckPlace): DatedEdge | undefined;
  failure(check: CheckPlace): DatedEdge | undefined;
  latency(check: CheckPlace): Milliseconds | undefined;
  serverSince(server: number): Milliseconds;
}

export type Latencies = ReadonlyMap<CheckId, Milliseconds>;

export function snapshotOf(
  context: VirtualServerContext,
  state: VirtualServerState,
  lookup: CheckLookup,
  own: Pick<VirtualServerSnapshot, "since" | "group" | "rests">,
): VirtualServerSnapshot {
  const { service, sorryServer, quorum } = context.config;
  return {
    name: context.name,
    quorum: state.quorum,
    quorumWanted: quorum,
    weightAlive: state.weightAlive,
    sorryServer: sorryServer && { name: realServerName(service, sorryServer), active: state.quorum === "down" },
    ...own,
    realServers: realServerSnapshots(context, state, lookup),
  };
}

function* realServerSnapshots(
  context: VirtualServerContext,
  state: VirtualServerState,
  lookup: CheckLookup,
): Generator<RealServerSnapshot> {
  const { realServers, sorryServer } = context.config;
  const sorryActs = sorryServer !== undefined && state.quorum === "down";
  for (const [server, config] of realServers.entries()) {
    const real = state.servers[server];
    if (real !== undefined) yield realServerSnapshot({ context, config, sorryActs }, real, server, lookup);
  }
}

interface Place {
  readonly context: VirtualServerContext;
  readonly config: RealServerConfig;
  readonly sorryActs: boolean;
}

function realServerSnapshot(
  { context, config, sorryActs }: Place,
  state: RealServerState,
  server: number,
  lookup: CheckLookup,
): RealServerSnapshot {
  const { address, port, weight } = config;
  const checks = config.checks.map(({ type }, checker): CheckSnapshot => {
    const at = { server, checker };
    const known = state.checkers[checker] ?? "unrun-up";
    const delta = state.deltas?.[checker] ?? 0;
    const [lastEdge, lastFailure] = [lookup.edge(at), lookup.failure(at)];
    return { id: lookup.id(at), type, state: known, delta, lastEdge, lastFailure, latency: lookup.latency(at) };
  });
  const name = realServerName(context.config.service, config);
  const alive = isAlive(state);
  return {
    ...{ config, name, address, port, alive, weight, checks },
    since: lookup.serverSince(server),
    ...(state.heldSince === undefined ? {} : { heldSince: state.heldSince }),
    effectiveWeight: effectiveWeight(weight, state.deltas),
    failed: state.failed,
    inPool: (isInService(state) && !sorryActs) || config.inhibitOnFailure,
  };
}
