import type { RealServerConfig, RemovalFloorConfig } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";
import type { HealthEffect } from "./effects.js";
import { realServerName } from "./names.js";
import { type CheckApplied, isUp, type RealServerState, realServer } from "./real-server.js";
import type { VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";
import { someDeltas } from "./weights.js";

/**
 * removal_floor and self_check: a server that fails may have to stay in the table for a while, because what has failed may be this
 * host (docs/directors-faults.md). Until then it serves as before, and nobody but the log is told.
 */

/** When a removal is decided. */
export interface Moment {
  readonly now: Milliseconds;
  /** The self check holds the table: nobody leaves. */
  readonly frozen: boolean;
}

/** Where nobody asks. */
export const atOnce: Moment = { now: ms(0), frozen: false };

/** Of a virtual server: how many are out of service, and who is held back, the first to fail first. */
export interface Retention {
  out: number;
  readonly held: Set<number>;
}

/** Takes connections: it is alive, or it is held back. */
export const isInService = ({ failed, heldSince }: RealServerState): boolean => failed === 0 || heldSince !== undefined;

/** So many of a pool may be out without confirmation. */
export const mostOut = ({ percent }: RemovalFloorConfig, servers: number): number =>
  Math.floor((servers * percent) / 100);

/** @param failedAt when the last of its checks to agree has failed */
function mayLeave(
  { removalFloor: floor, realServers }: VirtualServerContext["config"],
  { out }: Retention,
  failedAt: Milliseconds,
  { now, frozen }: Moment,
): boolean {
  if (frozen) return false;
  return floor === undefined || now - failedAt >= floor.confirm || out < mostOut(floor, realServers.length);
}

/** Counts anew; with `state` it is kept up to date. */
export function retentionOf(servers: readonly RealServerState[]): Retention {
  const held = [...servers.keys()].filter((i) => servers[i]?.heldSince !== undefined);
  const since = (i: number): number => servers[i]?.heldSince ?? 0;
  const out = servers.reduce((sum, server) => sum + (isInService(server) ? 0 : 1), 0);
  return { out, held: new Set(held.sort((a, b) => since(a) - since(b) || a - b)) };
}

/** Of servers of which some may have been held back before a reload, or a crash. */
export const retentionIn = (servers: readonly RealServerState[]): { readonly retention?: Retention } =>
  servers.some(({ heldSince }) => heldSince !== undefined) ? { retention: retentionOf(servers) } : {};

export interface Retained {
  readonly server: RealServerState;
  /** What it means for the service: nothing, when the server stays. */
  readonly change: CheckApplied["change"];
  readonly effects: readonly HealthEffect[];
}

/**
 * What becomes of a server whose check has reported: it goes or comes as `applied` says, or is held back, or was and has recovered.
 * Changes `state.retention`.
 * @param before what it was; `applied` is made of the same, with the weights that the report brought
 */
export function retain(
  context: VirtualServerContext,
  state: VirtualServerState,
  index: number,
  before: RealServerState,
  { state: after, change }: CheckApplied,
  moment: Moment,
): Retained {
  const { config } = context;
  if (config.removalFloor === undefined && !moment.frozen && state.retention === undefined)
    return { server: after, change, effects: [] };
  const retention = (state.retention ??= retentionOf(state.servers));
  const server = config.realServers[index];
  const { heldSince } = before;
  if (heldSince !== undefined) {
    if (change !== "up") return { server: stays(after, before, heldSince), change: "none", effects: [] };
    retention.held.delete(index);
    return { server: after, change: "none", effects: [remember(index, undefined), recovered(context, server)] };
  }
  if (change === "down" && !mayLeave(config, retention, moment.now, moment)) {
    retention.held.add(index);
    const effects = [remember(index, moment.now), heldBack(context, server, moment.frozen)];
    return { server: stays(after, before, moment.now), change: "none", effects };
  }
  if (change === "up") retention.out -= 1;
  if (change === "down") retention.out += 1;
  return { server: after, change, effects: [] };
}

/** With the weight that it had: a check that fails takes back what it has added only when the server goes. */
const stays = (
  { checkers, failed }: RealServerState,
  { deltas }: RealServerState,
  heldSince: Milliseconds,
): RealServerState => ({ checkers, failed, ...(deltas === undefined ? {} : { deltas }), heldSince });

/** Who is held back and may leave now, the first to fail first. Changes the state. */
export function* leaving(
  { config }: VirtualServerContext,
  state: VirtualServerState,
  moment: Moment,
): Generator<{ readonly index: number; readonly before: RealServerState; readonly after: RealServerState }> {
  const { retention, servers } = state;
  if (retention === undefined) return;
  for (const index of retention.held) {
    const before = servers[index];
    if (before?.heldSince === undefined || !mayLeave(config, retention, before.heldSince, moment)) return;
    retention.held.delete(index);
    retention.out += 1;
    const { checkers, deltas } = before;
    const ofPassed = deltas?.map((delta, i) => (isUp(checkers[i] ?? "down") ? delta : 0));
    const after = realServer(checkers, ofPassed && someDeltas(ofPassed));
    servers[index] = after;
    yield { index, before, after };
  }
}

/** When the first one is to go if it does not recover; undefined: nobody is held back, or nobody knows when. */
export function nextDue({ config }: VirtualServerContext, state: VirtualServerState): number | undefined {
  const [first] = state.retention?.held ?? [];
  const since = first === undefined ? undefined : state.servers[first]?.heldSince;
  return since === undefined || config.removalFloor === undefined ? undefined : since + config.removalFloor.confirm;
}

export const remember = (server: number, since: Milliseconds | undefined): HealthEffect => ({
  do: "held",
  server,
  since,
});

export function heldBack(
  context: VirtualServerContext,
  server: RealServerConfig | undefined,
  frozen: boolean,
): HealthEffect {
  const { removalFloor: floor, realServers } = context.config;
  const total = realServers.length;
  const why =
    frozen || floor === undefined
      ? "self_check holds the table"
      : `removal_floor lets ${mostOut(floor, total)} of ${total} go at once; it goes when it has failed for ${floor.confirm / 1000} s`;
  return sentence(context, server, "warning", "health.removal-held", (rs, vs) => `Holding back ${rs} of ${vs}: ${why}`);
}

const recovered = (context: VirtualServerContext, server: RealServerConfig | undefined): HealthEffect =>
  sentence(
    context,
    server,
    "notice",
    "health.removal-averted",
    (rs, vs) => `${rs} of ${vs} has recovered: it was held back, and stays`,
  );

function sentence(
  context: VirtualServerContext,
  server: RealServerConfig | undefined,
  level: "notice" | "warning",
  event: string,
  text: (realServer: string, virtualServer: string) => string,
): HealthEffect {
  const name = server === undefined ? "" : realServerName(context.config.service, server);
  const fields = { realServer: name, virtualServer: context.name };
  return { do: "log", level, event, sentence: text(`service ${name}`, `VS ${context.name}`), fields };
}
