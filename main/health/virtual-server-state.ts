import type { VirtualServerConfig } from "../config/model.js";
import type { HealthEffect } from "./effects.js";
import type { RealServerState } from "./real-server.js";

/** What stays fixed of a virtual server between two reloads. */
export interface VirtualServerContext {
  readonly config: VirtualServerConfig;
  /** See names.ts. */
  readonly name: string;
  readonly routerId: string;
}

export interface VirtualServerState {
  /** While down, a sorry server (if there is one) stands in for the whole pool. */
  readonly quorum: "up" | "down";
  /** In the order of `config.realServers`. */
  readonly servers: readonly RealServerState[];
}

export interface Step {
  readonly state: VirtualServerState;
  readonly effects: readonly HealthEffect[];
}
