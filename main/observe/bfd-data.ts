import type { GlobalConfig } from "../config/model.js";
import { globalData } from "./global-data.js";

/** A session as its file shows it. Times are microseconds. */
export interface BfdDump {
  readonly name: string;
  readonly neighbor: string;
  readonly source: string | undefined;
  readonly minRx: number;
  readonly minTx: number;
  readonly idleTx: number;
  readonly multiplier: number;
  readonly ttl: number;
  readonly maxHops: number;
  readonly multihop: boolean;
  readonly passive: boolean;
  readonly informs: "both" | "vrrp" | "checker";
  readonly weight: number;
  readonly reverse: boolean;
  readonly state: string;
  readonly diagnostic: string;
  readonly discriminator: number;
  readonly polling: boolean;
  readonly txInterval: number | undefined;
  readonly detectionTime: number | undefined;
  readonly sent: number;
  readonly received: number;
  /** Undefined: not heard. */
  readonly remote: BfdRemoteDump | undefined;
}

export interface BfdRemoteDump {
  readonly state: string;
  readonly diagnostic: string;
  readonly discriminator: number;
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  readonly multiplier: number;
  readonly demand: boolean;
}

/** keepalived_bfd.data: what keepalived's BFD process writes on SIGUSR1, without its sockets and threads. */
export function* bfdData(global: GlobalConfig, sessions: Iterable<BfdDump>): Generator<string> {
  yield globalData(global);
  yield "------< BFD Topology >------\n";
  for (const session of sessions) yield `${sessionLines(session).join("\n")}\n`;
}

function sessionLines(session: BfdDump): string[] {
  const { informs, remote } = session;
  const yes = (told: boolean): string => (told ? "Yes" : "No");
  return [
    ` BFD Instance = ${session.name}`,
    `   Neighbor IP = ${session.neighbor}`,
    ...(session.source === undefined ? [] : [`   Source IP = ${session.source}`]),
    `   Required min RX interval = ${session.minRx} us`,
    `   Desired min TX interval = ${session.minTx} us`,
    `   Desired idle TX interval = ${session.idleTx} us`,
    `   Detection multiplier = ${session.multiplier}`,
    `   ${session.neighbor.includes(":") ? "hoplimit" : "TTL"} = ${session.ttl}`,
    `   max_hops = ${session.maxHops}`,
    `   multihop = ${session.multihop}`,
    `   passive = ${session.passive}`,
    `   send event to VRRP process = ${yes(informs !== "checker")}`,
    `   send event to checker process = ${yes(informs !== "vrrp")}`,
    ...(session.weight === 0 ? [] : [`   weight = ${session.weight}${session.reverse ? " reverse" : ""}`]),
    `   local state = ${session.state}`,
    `   remote state = ${remote?.state ?? "Down"}`,
    `   local discriminator = ${hex(session.discriminator)}`,
    `   remote discriminator = ${hex(remote?.discriminator ?? 0)}`,
    `   local diag = ${session.diagnostic}`,
    `   remote diag = ${remote?.diagnostic ?? "No Diagnostic"}`,
    `   remote min tx intv = ${remote?.desiredMinTx ?? 0} us`,
    `   remote min rx intv = ${remote?.requiredMinRx ?? 0} us`,
    "   local demand = 0",
    `   remote demand = ${remote?.demand === true ? 1 : 0}`,
    `   remote detect multiplier = ${remote?.multiplier ?? 0}`,
    `   ${session.polling ? "" : "!"}poll, !final`,
    `   local tx intv = ${session.txInterval ?? 0} us`,
    `   local detection time = ${session.detectionTime ?? 0} us`,
    `   packets sent = ${session.sent}`,
    `   packets received = ${session.received}`,
  ];
}

const hex = (number: number): string => `0x${number.toString(16).padStart(8, "0")}`;
