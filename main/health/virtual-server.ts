import type { IpAddress } from "../address.js";
import type { RealServerConfig } from "../config/model.js";
import type { Port } from "../units.js";
import type { HealthEffect } from "./effects.js";
import { realServerName } from "./names.js";
import { aliveWeight, settleQuorum } from "./quorum.js";
import { applyCheck, isAlive, type RealServerState } from "./real-server.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";

/** A destination that IPVS must hold. */
export interface PoolEntry {
  readonly address: IpAddress;
  readonly port: Port;
  readonly weight: number;
  readonly isSorry: boolean;
}

/** A check's report for one real server. */
export interface CheckReport {
  readonly server: number;
  readonly checker: number;
  readonly up: boolean;
  /** Mail of the checker, should it be sent. */
  readonly mailBody: string;
}

/** keepalived begins without quorum, so that a healthy service gains it (and says so) when it starts. */
export function startVirtualServer(context: VirtualServerContext, servers: RealServerState[]): Step {
  const weightAlive = aliveWeight(context.config, servers);
  const settled = settleQuorum(context, { quorum: "down", servers, weightAlive }, "start");
  return { state: settled.state, effects: [{ do: "pool" }, ...initNotifies(context, servers), ...settled.effects] };
}

function initNotifies(context: VirtualServerContext, servers: readonly RealServerState[]): HealthEffect[] {
  if (context.initNotifies !== true) return [];
  return context.config.realServers.flatMap((config, i) => {
    const server = servers[i];
    return server !== undefined && isAlive(server) ? [realServerEvent(context, config, true)] : [];
  });
}

/**
 * Order of effects: keepalived's (server, its script, quorum and its scripts, then the checker's mail). Pure but for `state`, which
 * it takes over and changes: a copy of all servers for each of them makes 100 MB of garbage when 50,000 come up.
 */
export function applyReport(context: VirtualServerContext, state: VirtualServerState, report: CheckReport): Step {
  const before = state.servers[report.server];
  const config = context.config.realServers[report.server];
  if (before === undefined || config === undefined) throw new RangeError(`no real server ${report.server}`);
  const applied = applyCheck(before, report.checker, report.up);
  state.servers[report.server] = applied.state;
  state.weightAlive += weightOf(applied.state, config) - weightOf(before, config);
  const settled = settleQuorum(context, state, "running");
  const effects = [...serverEffects(context, config, applied.change), ...settled.effects];
  const mails = context.mailsServersOnly !== true || applied.change === "up" || applied.change === "down";
  if (applied.checkerChanged && config.smtpAlert && mails) {
    effects.push(checkMail(context, config, isAlive(applied.state), report.mailBody));
  }
  return { state: settled.state, effects };
}

const weightOf = (server: RealServerState, { weight }: RealServerConfig): number => (isAlive(server) ? weight : 0);

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
  for (const [i, { address, port, weight, inhibitOnFailure }] of realServers.entries()) {
    const server = servers[i];
    const serves = server !== undefined && isAlive(server) && !sorryActs;
    if (serves || inhibitOnFailure) yield { address, port, weight: serves ? weight : 0, isSorry: false };
  }
  if (sorryServer !== undefined && (sorryActs || sorryServerInhibit)) {
    yield { ...sorryServer, weight: sorryActs ? 1 : 0, isSorry: true };
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
