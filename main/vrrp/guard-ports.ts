import type { Family, IpAddress } from "../address.js";
import type { HeartbeatConfig, WitnessConfig } from "../config/model-guard.js";
import type { Milliseconds } from "../units.js";
import type { ProbeResult } from "./guard.js";
import type { ScriptRunner } from "./ports.js";

/** What split_brain_guard needs of the host. */
export interface GuardHost {
  readonly heartbeats: HeartbeatTransport;
  readonly witnesses: WitnessAsker;
  readonly addresses: AddressProber;
  readonly scripts: ScriptRunner;
  /** A new random session for a heartbeat; the simulation has its own. */
  readonly session: () => number;
}

export interface HeartbeatTransport {
  /**
   * From now on messages of `channel` that come from the peer are heard; others may share the socket. `onReady`: it can send now.
   * @param channel see `channel` in heartbeat-message.ts
   */
  open(
    path: Pick<HeartbeatConfig, "local" | "peer" | "port">,
    channel: number,
    handlers: { readonly onMessage: (bytes: Buffer) => void; readonly onReady: () => void },
  ): HeartbeatSocket;
}

export interface HeartbeatSocket extends Disposable {
  /** What cannot be sent is lost, as on any network. */
  send(bytes: Buffer): void;
  /** Why nothing can be sent or heard; undefined when it can. */
  readonly problem: string | undefined;
}

/** Asks witnesses, never in the main thread. */
export interface WitnessAsker {
  /** Somebody will ask: a thread takes a while to start. */
  prepare(): void;
  /** `done` is called once. `problem` undefined: it answered. */
  ask(witness: WitnessConfig, done: (problem: string | undefined) => void): void;
}

/** One address, and the interface that it would be put on. */
export interface Asked {
  readonly address: IpAddress;
  readonly interface: string;
  readonly family: Family;
}

export interface AddressProber {
  /** `done` is called once, at the first sign of somebody else or after `wait`; not after disposing. */
  probe(asked: readonly Asked[], wait: Milliseconds, done: (result: ProbeResult) => void): Disposable;
}
