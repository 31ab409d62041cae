import type { CheckEdge } from "../../workers/protocol.js";
import type { IpAddress } from "../address.js";
import type { CheckConfig, RealServerConfig } from "../config/model.js";
import type { CheckId, Milliseconds, Port } from "../units.js";
import { realServerName } from "./names.js";
import { type CheckerState, isAlive, type RealServerState } from "./real-server.js";
import type { VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";

/** For status, dumps and metrics: what is so now. */
export interface VirtualServerSnapshot {
  readonly name: string;
  readonly quorum: "up" | "down";
  readonly quorumWanted: number;
  readonly weightAlive: number;
  readonly sorryServer: { readonly name: string; readonly active: boolean } | undefined;
  readonly realServers: readonly RealServerSnapshot[];
}

export interface RealServerSnapshot {
  readonly name: string;
  readonly address: IpAddress;
  readonly port: Port;
  readonly alive: boolean;
  /** As configured; what IPVS has to hold is in the pool. */
  readonly weight: number;
  readonly checks: readonly CheckSnapshot[];
}

export interface CheckSnapshot {
  readonly type: CheckConfig["type"];
  readonly state: CheckerState;
  /** The last state change heard of; undefined when there was none since the start. */
  readonly lastEdge: CheckEdge | undefined;
  /** Of the last attempt that passed. */
  readonly latency: Milliseconds | undefined;
}

/** What is looked up per check; checks have no state of their own here. */
export interface CheckLookup {
  edge(check: { readonly server: number; readonly checker: number }): CheckEdge | undefined;
  latency(check: { readonly server: number; readonly checker: number }): Milliseconds | undefined;
}

export type Latencies = ReadonlyMap<CheckId, Milliseconds>;

export function snapshotOf(
  context: VirtualServerContext,
  state: VirtualServerState,
  lookup: CheckLookup,
): VirtualServerSnapshot {
  const { service, sorryServer, quorum, realServers } = context.config;
  return {
    name: context.name,
    quorum: state.quorum,
    quorumWanted: quorum,
    weightAlive: state.weightAlive,
    sorryServer: sorryServer && { name: realServerName(service, sorryServer), active: state.quorum === "down" },
    realServers: realServers.flatMap((config, server) => {
      const real = state.servers[server];
      return real === undefined ? [] : [realServerSnapshot(context, config, real, server, lookup)];
    }),
  };
}

function realServerSnapshot(
  context: VirtualServerContext,
  config: RealServerConfig,
  state: RealServerState,
  server: number,
  lookup: CheckLookup,
): RealServerSnapshot {
  const { address, port, weight } = config;
  const checks = config.checks.map(({ type }, checker): CheckSnapshot => {
    const at = { server, checker };
    const known = state.checkers[checker] ?? "unrun-up";
    return { type, state: known, lastEdge: lookup.edge(at), latency: lookup.latency(at) };
  });
  return { name: realServerName(context.config.service, config), address, port, alive: isAlive(state), weight, checks };
}
