import type { RealServerConfig, VirtualServerConfig } from "../config/model.js";
import type { CheckerTlsConfig, VirtualServerGroupConfig } from "../config/model-lvs.js";
import type { TrackFileDump } from "./vrrp-dump.js";

/** What keepalived_check.data shows: the configuration and a snapshot of what lives. */
export interface CheckerDump {
  readonly tls: CheckerTlsConfig | undefined;
  readonly groups: readonly VirtualServerGroupConfig[];
  /** IPVS has a table of ours. */
  readonly inKernel: boolean;
  /** Of those that checks follow. */
  readonly trackFiles: readonly TrackFileDump[];
  /** BFD sessions that checks may follow. */
  readonly bfds: readonly string[];
  /** Walked more than once, each time as it is then. */
  readonly services: () => Iterable<ServiceDump>;
}

export interface ServiceDump {
  readonly config: VirtualServerConfig;
  /** As in the log: `[10.0.0.1]:tcp:80`. */
  readonly name: string;
  readonly quorumUp: boolean;
  /** ha_suspend: its checks rest. */
  readonly rests: boolean;
  readonly realServers: Iterable<ServerDump>;
}

export interface ServerDump {
  readonly config: RealServerConfig;
  readonly name: string;
  readonly alive: boolean;
  /** Checks that are down. */
  readonly failed: number;
  /** IPVS is to hold it. */
  readonly inPool: boolean;
  /** By position in `config.checks`. */
  readonly checks: readonly CheckDump[];
}

export interface CheckDump {
  readonly up: boolean;
  readonly hasRun: boolean;
  /** What it adds to the weight. */
  readonly delta: number;
  /** Of its last change: the exit status of a program. */
  readonly lastStatus: number | undefined;
}
