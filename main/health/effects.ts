import type { ScriptCommand } from "../config/model.js";
import type { Fields, Level } from "../observe/log.js";
import type { Milliseconds } from "../units.js";

export interface StateMail {
  readonly subject: string;
  readonly body: string;
}

/** For scripts, FIFOs, mail and metrics. Names are keepalived's, see names.ts. */
export type ServerEvent =
  /** `script` is notify_up or notify_down; FIFO line `RS realServer virtualServer UP|DOWN`. */
  | {
      readonly kind: "real-server";
      readonly virtualServer: string;
      readonly realServer: string;
      readonly up: boolean;
      readonly script: ScriptCommand | undefined;
    }
  /** `script` is quorum_up or quorum_down; FIFO line `VS virtualServer UP|DOWN`. Order: script, FIFO, mail. */
  | {
      readonly kind: "virtual-server";
      readonly virtualServer: string;
      readonly up: boolean;
      readonly script: ScriptCommand | undefined;
      readonly mail: StateMail | undefined;
    }
  /** A checker changed its mind; the server as a whole (`up`) need not have. Mail only: keepalived sends it from here. */
  | {
      readonly kind: "check";
      readonly virtualServer: string;
      readonly realServer: string;
      readonly up: boolean;
      readonly mail: StateMail;
    };

/** What a reducer wants done, in order. */
export type HealthEffect =
  | {
      readonly do: "log";
      readonly level: Level;
      readonly event: string;
      readonly sentence: string;
      readonly fields: Fields;
    }
  | { readonly do: "notify"; readonly event: ServerEvent }
  /** The destinations that IPVS must hold for this virtual server may have changed. */
  | { readonly do: "pool" }
  /** A server (by its place) is held back in the table since then, or no longer: for the state that outlives a crash. */
  | { readonly do: "held"; readonly server: number; readonly since: Milliseconds | undefined };
