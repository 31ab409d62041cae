import type { GlobalConfig, RealServerConfig, VirtualServerConfig } from "../config/model.js";
import { globalData } from "./global-data.js";

/** keepalived_check.data (SIGUSR1): configuration and health of the virtual servers. */

export interface VirtualServerDump {
  readonly config: VirtualServerConfig;
  readonly quorumUp: boolean;
  /** By position in `config.realServers`. */
  readonly realServers: readonly RealServerLive[];
}

export interface RealServerLive {
  readonly alive: boolean;
  /** Weight that the kernel is to have. */
  readonly effectiveWeight: number;
}

/** Yields one piece per virtual server, so that the caller can breathe in between. */
export function* checkData(global: GlobalConfig, servers: Iterable<VirtualServerDump>): Generator<string> {
  yield globalData(global);
  yield "------< LVS Topology >------\n";
  for (const server of servers) yield `${virtualServerLines(server).join("\n")}\n`;
}

function virtualServerLines({ config, quorumUp, realServers }: VirtualServerDump): string[] {
  const { sorryServer } = config;
  return [
    " ------< Virtual server >------",
    ...serviceLines(config),
    `   Scheduler = ${config.scheduler}`,
    `   LVS type = ${config.forwarding}`,
    ...(config.persistenceTimeoutSeconds > 0 ? [`   persistence timeout = ${config.persistenceTimeoutSeconds}`] : []),
    ...(config.persistenceGranularity === undefined
      ? []
      : [`   persistence granularity = ${config.persistenceGranularity}`]),
    `   delay_loop = ${config.delayLoop / 1000}`,
    `   quorum = ${config.quorum}, hysteresis = ${config.hysteresis}, quorum state = ${quorumUp ? "up" : "down"}`,
    `   Alpha is ${config.alpha ? "ON" : "OFF"}, Omega is ${config.omega ? "ON" : "OFF"}`,
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    ...(sorryServer === undefined ? [] : [`   sorry server = [${sorryServer.address}]:${sorryServer.port}`]),
    ...config.realServers.flatMap((server, i) => realServerLines(server, realServers[i])),
  ];
}

function serviceLines({ service }: VirtualServerConfig): string[] {
  if (service.kind === "fwmark") return [` VS FWMARK = ${service.fwmark}`];
  return [` VS VIP = ${service.address}, VPORT = ${service.port}`, `   Protocol = ${service.protocol}`];
}

function realServerLines(config: RealServerConfig, live: RealServerLive | undefined): string[] {
  const effective = live?.effectiveWeight ?? config.weight;
  return [
    "   ------< Real server >------",
    `   RIP = ${config.address}, RPORT = ${config.port}, WEIGHT = ${config.weight} EFF WEIGHT = ${effective}`,
    `   Inhibit on failure is ${config.inhibitOnFailure ? "ON" : "OFF"}`,
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    `   alive = ${live?.alive === true ? 1 : 0}`,
    ...config.checks.map(
      ({ type, target, timing }) =>
        `     ${type} of [${target.address}]:${target.port}, every ${timing.delayLoop / 1000} s, retry ${timing.retry}`,
    ),
  ];
}
