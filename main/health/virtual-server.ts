import type { IpAddress } from "../address.js";
import type { RealServerConfig } from "../config/model.js";
import type { DestinationIpvsConfig } from "../config/model-lvs.js";
import type { Port } from "../units.js";
import type { HealthEffect } from "./effects.js";
import { realServerName } from "./names.js";
import { aliveWeight, settleQuorum } from "./quorum.js";
import { applyCheck, heldAs, isAlive, type RealServerState, realServer } from "./real-server.js";
import { atOnce, isInService, leaving, type Moment, remember, retain, retentionIn } from "./removal-floor.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";
import { effectiveWeight, withDelta } from "./weights.js";

/** A destination that IPVS must hold. */
export interface PoolEntry {
  readonly address: IpAddress;
  readonly port: Port;
  readonly weight: number;
  readonly isSorry: boolean;
  /** How packets get there, and thresholds. */
  readonly ipvs: DestinationIpvsConfig;
}

/** A check's report for one real server. */
export interface CheckReport {
  readonly server: number;
  readonly checker: number;
  readonly up: boolean;
  /** What it adds to the weight from now on. Absent: as before. */
  readonly delta?: number | undefined;
  /** Mail of the checker, should it be sent. */
  readonly mailBody: string;
}

/**
 * keepalived begins without quorum, so that a healthy service gains it (and says so) when it starts.
 * @param known before a crash: then everybody has been told of that, and of the servers, and only what is another now is said
 */
export function startVirtualServer(
  context: VirtualServerContext,
  servers: RealServerState[],
  known?: "up" | "down",
): Step {
  const weightAlive = aliveWeight(context.config, servers);
  const rest = { servers, weightAlive, ...retentionIn(servers) };
  if (known !== undefined) {
    const settled = settleQuorum(context, { quorum: known, ...rest }, "running");
    return { state: settled.state, effects: [{ do: "pool" }, ...settled.effects] };
  }
  const settled = settleQuorum(context, { quorum: "down", ...rest }, "start");
  return { state: settled.state, effects: [{ do: "pool" }, ...initNotifies(context, servers), ...settled.effects] };
}

const initNotifies = (context: VirtualServerContext, servers: readonly RealServerState[]): HealthEffect[] =>
  context.config.realServers.flatMap((config, i) => {
    const server = servers[i];
    return server === undefined ? [] : beginning(context, config, server);
  });

/** rs_init_notifies: of a server that was not there before. */
export function beginning(
  context: VirtualServerContext,
  config: RealServerConfig,
  server: RealServerState,
): HealthEffect[] {
  return context.initNotifies === true && isInService(server) ? [realServerEvent(context, config, true)] : [];
}

/**
 * Order of effects: keepalived's (server, its script, quorum and its scripts, then the checker's mail). Pure but for `state`, which
 * it takes over and changes: a copy of all servers for each of them makes 100 MB of garbage when 50,000 come up.
 */
export function applyReport(
  context: VirtualServerContext,
  state: VirtualServerState,
  report: CheckReport,
  moment: Moment = atOnce,
): Step {
  const before = state.servers[report.server];
  const config = context.config.realServers[report.server];
  if (before === undefined || config === undefined) throw new RangeError(`no real server ${report.server}`);
  const { effects: weighing, server: weighed } = applyDelta(context, config, before, report);
  const applied = applyCheck(weighed, report.checker, report.up);
  const retained = retain(context, state, report.server, report.up ? weighed : before, applied, moment);
  state.servers[report.server] = retained.server;
  state.weightAlive += weightOf(retained.server, config) - weightOf(before, config);
  const gone = retained.change === "up" ? release(context, state, moment) : [];
  const settled = settleQuorum(context, state, "running");
  const effects = [...weighing, ...retained.effects, ...serverEffects(context, config, retained.change)];
  effects.push(...gone, ...settled.effects);
  const mails = context.mailsServersOnly !== true || applied.change === "up" || applied.change === "down";
  if (applied.checkerChanged && config.smtpAlert && mails) {
    effects.push(checkMail(context, config, isAlive(applied.state), report.mailBody));
  }
  return { state: settled.state, effects };
}

/** Pure, as `applyReport` is: those who were held back go, as far as they may by now. @param most of them */
export function applyRelease(
  context: VirtualServerContext,
  state: VirtualServerState,
  moment: Moment,
  most = Number.POSITIVE_INFINITY,
): Step {
  const gone = release(context, state, moment, most);
  const settled = settleQuorum(context, state, "running");
  return { state: settled.state, effects: [...gone, ...settled.effects] };
}

function release(
  context: VirtualServerContext,
  state: VirtualServerState,
  moment: Moment,
  most = Number.POSITIVE_INFINITY,
): HealthEffect[] {
  const effects: HealthEffect[] = [];
  let released = 0;
  for (const { index, before, after } of leaving(context, state, moment)) {
    const config = context.config.realServers[index];
    if (config === undefined) continue;
    state.weightAlive += weightOf(after, config) - weightOf(before, config);
    effects.push(remember(index, undefined), ...serverEffects(context, config, "down"));
    if (++released >= most) break;
  }
  return effects;
}

const weightOf = (server: RealServerState, { weight }: RealServerConfig): number =>
  isInService(server) ? effectiveWeight(weight, server.deltas) : 0;

/** The weight first, then the state: keepalived's order. */
function applyDelta(
  context: VirtualServerContext,
  config: RealServerConfig,
  before: RealServerState,
  { checker, delta, up }: CheckReport,
): { readonly server: RealServerState; readonly effects: readonly HealthEffect[] } {
  const { checkers } = before;
  const deltas = delta === undefined ? before.deltas : withDelta(before.deltas, checkers.length, checker, delta);
  if (deltas === before.deltas) return { server: before, effects: [] };
  const server = heldAs(realServer(checkers, deltas), before.heldSince);
  // Who fails takes back what he has added, which is no news beside that.
  if (!up) return { server, effects: [] };
  return { server, effects: weightEffects(context, config, server, effectiveWeight(config.weight, before.deltas)) };
}

/** @param from effective weight until now */
export function weightEffects(
  context: VirtualServerContext,
  config: RealServerConfig,
  server: RealServerState,
  from: number,
): HealthEffect[] {
  const to = effectiveWeight(config.weight, server.deltas);
  if (from === to) return [];
  const names = { realServer: realServerName(context.config.service, config), virtualServer: context.name };
  const kind = isInService(server) ? "active" : "inactive";
  const sentence = `Changing weight from ${from} to ${to} for ${kind} service ${names.realServer} of VS ${context.name}`;
  return [{ do: "log", level: "notice", event: "health.weight", sentence, fields: names }, { do: "pool" }];
}

/**
 * The destinations wanted now, one by one; read them in as many turns as you like, the state is that of the call. Never empty while
 * a server is alive or a sorry server is configured.
 */
export const poolOf = (context: VirtualServerContext, { quorum, servers }: VirtualServerState): Generator<PoolEntry> =>
  poolEntries(context, quorum, [...servers]);

function* poolEntries(
  context: VirtualServerContext,
  quorum: "up" | "down",
  servers: readonly RealServerState[],
): Generator<PoolEntry> {
  const { realServers, sorryServer, sorryServerInhibit } = context.config;
  const sorryActs = sorryServer !== undefined && quorum === "down";
  for (const [i, { address, port, weight, inhibitOnFailure, ipvs }] of realServers.entries()) {
    const server = servers[i];
    const serves = server !== undefined && isInService(server) && !sorryActs;
    const wanted = serves ? effectiveWeight(weight, server.deltas) : 0;
    if (serves || inhibitOnFailure) yield { address, port, weight: wanted, isSorry: false, ipvs };
  }
  if (sorryServer !== undefined && (sorryActs || sorryServerInhibit)) {
    const ipvs = { forwarding: context.config.ipvs.sorryForwarding, upperThreshold: 0, lowerThreshold: 0 };
    yield { ...sorryServer, weight: sorryActs ? 1 : 0, isSorry: true, ipvs };
  }
}

/** What is said and started when a server comes or goes. */
export function serverEffects(
  context: VirtualServerContext,
  server: RealServerConfig,
  change: "none" | "reported" | "up" | "down",
): HealthEffect[] {
  if (change === "none") return [];
  const notify = realServerEvent(context, server, change === "up");
  if (change === "reported") return [notify];
  const names = { realServer: realServerName(context.config.service, server), virtualServer: context.name };
  const log: HealthEffect = {
    do: "log",
    level: change === "up" ? "notice" : "warning",
    event: `health.real-server-${change}`,
    sentence: changeSentence(server.inhibitOnFailure, change, names),
    fields: names,
  };
  return [log, { do: "pool" }, notify];
}

function changeSentence(
  inhibits: boolean,
  change: "up" | "down",
  { realServer, virtualServer }: { readonly realServer: string; readonly virtualServer: string },
): string {
  if (inhibits) return `${change === "up" ? "Enabling" : "Disabling"} service ${realServer} of VS ${virtualServer}`;
  if (change === "up") return `Adding service ${realServer} to VS ${virtualServer}`;
  return `Removing service ${realServer} from VS ${virtualServer}`;
}

export function realServerEvent(context: VirtualServerContext, server: RealServerConfig, up: boolean): HealthEffect {
  return {
    do: "notify",
    event: {
      kind: "real-server",
      virtualServer: context.name,
      realServer: realServerName(context.config.service, server),
      up,
      script: up ? server.notifyUp : server.notifyDown,
    },
  };
}

/** @param alive the server as a whole: what the subject tells */
export function checkMail(
  context: VirtualServerContext,
  server: RealServerConfig,
  alive: boolean,
  body: string,
): HealthEffect {
  const name = realServerName(context.config.service, server);
  const state = alive ? "UP" : "DOWN";
  const subject = `[${context.routerId}] Realserver ${name} of virtual server ${context.name} - ${state}`;
  const mail = { subject, body };
  return { do: "notify", event: { kind: "check", virtualServer: context.name, realServer: name, up: alive, mail } };
}
