import type { IpAddress } from "../address.js";
import type { Milliseconds, Port } from "../units.js";
import type { ScriptCommand } from "./model.js";

/** split_brain_guard: what must hold before an instance becomes MASTER. docs/split-brain.md says what each part is good for. */
export interface GuardConfig {
  readonly heartbeats: readonly HeartbeatConfig[];
  readonly witnesses: readonly WitnessConfig[];
  /** So many witnesses must answer: 1 to all of them. */
  readonly witnessQuorum: number;
  /** How long answers about the addresses are waited for; undefined: nobody is asked. */
  readonly probeAddress: Milliseconds | undefined;
  /** A command that cannot be used is undefined: then the instance holds, as if it failed. */
  readonly fence: { readonly command: ScriptCommand | undefined; readonly timeout: Milliseconds } | undefined;
  /** When a condition can neither be said to hold nor to fail. */
  readonly onUnknown: "claim" | "hold";
  /** Two masters are told of on notify FIFOs too. */
  readonly tellsFifo: boolean;
}

/** A second path to one peer: both send, and both listen. */
export interface HeartbeatConfig {
  readonly local: IpAddress;
  readonly peer: IpAddress;
  readonly port: Port;
  readonly interval: Milliseconds;
  /** Secret, never logged; undefined: messages are not signed. */
  readonly key: string | undefined;
}

/** Something that answers as long as this host is not cut off. */
export type WitnessConfig = {
  readonly address: IpAddress;
  readonly timeout: Milliseconds;
} & (
  | { readonly kind: "ping" }
  | { readonly kind: "tcp"; readonly port: Port }
  | { readonly kind: "http"; readonly port: Port; readonly path: string; readonly host: string }
);
