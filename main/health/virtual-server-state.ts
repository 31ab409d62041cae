import type { VirtualServerConfig } from "../config/model.js";
import type { RegisteredCheck } from "./check-registry.js";
import type { HealthEffect } from "./effects.js";
import type { RealServerState } from "./real-server.js";
import type { Retention } from "./removal-floor.js";

/** What stays fixed of a virtual server between two reloads. */
export interface VirtualServerContext {
  readonly config: VirtualServerConfig;
  /** See names.ts. */
  readonly name: string;
  readonly routerId: string;
  /** rs_init_notifies: servers that begin in service are told. Absent: no. */
  readonly initNotifies?: boolean;
  /** no_checker_emails: mail of a checker only when its server comes or goes. Absent: no. */
  readonly mailsServersOnly?: boolean;
}

export interface VirtualServerState {
  /** While down, a sorry server (if there is one) stands in for the whole pool. */
  readonly quorum: "up" | "down";
  /** In the order of `config.realServers`. Changed in place by `applyReport`, as is the sum. */
  readonly servers: RealServerState[];
  /** Sum of the weights of the servers in service: alive, or held back. */
  weightAlive: number;
  /** Changed in place likewise. Absent until somebody may have to be held back: see removal-floor.ts. */
  retention?: Retention;
}

export interface Step {
  readonly state: VirtualServerState;
  readonly effects: readonly HealthEffect[];
}

/** A virtual server in force. It stays the same object until a reload changes something of it. */
export interface LiveServer {
  /** One per virtual server of a configuration; the same in the next one. */
  readonly key: string;
  /** A number for the same: whose histograms count the attempts of its checks (see `CheckSpec.groups`). Never used again. */
  readonly group: number;
  /** That number as a list. */
  readonly groups: readonly number[];
  readonly context: VirtualServerContext;
  state: VirtualServerState;
  /** By server and checker. Empty at a first start until they are registered. */
  checks: readonly (readonly RegisteredCheck[])[];
  /** Place in the configuration. */
  index: number;
}
