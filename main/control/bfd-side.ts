import { randomInt } from "node:crypto";
import { bootTime } from "../../native-bindings/timer.js";
import type { SessionSnapshot } from "../bfd/live-session.js";
import { diagnosticText } from "../bfd/packet.js";
import type { BfdTransport } from "../bfd/ports.js";
import { BfdSessions } from "../bfd/sessions.js";
import { UdpTransport } from "../bfd/udp-transport.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import type { BfdInstanceConfig } from "../config/model-lvs.js";
import type { BfdDump } from "../observe/bfd-data.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { BfdStatus } from "./status.js";

/** Discriminators are 32 bits, and 0 means none (RFC 5880 §6.8.1). */
const DISCRIMINATORS = 2 ** 32;

/** Two rounds of a session that is down, and the rest of a start. */
const COMES_UP = ms(3000);

/** Sessions that were up, in the daemon before this one as well: state that outlives a crash. */
export interface SessionMemory {
  isUp(session: string): boolean;
  remember(session: string, up: boolean): void;
}

export interface BfdSideDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: SessionMemory;
  /** Default: sockets of the kernel. */
  readonly transport?: BfdTransport;
  /** Followers of the VRRP side, and of the LVS side. */
  readonly onVrrp: (name: string, state: "up" | "down") => void;
  readonly onChecker: (name: string, state: "up" | "down") => void;
}

/** BFD sessions, and who is to hear of which. */
export class BfdSide {
  readonly #deps: BfdSideDeps;
  readonly #sessions: BfdSessions;
  #later: Disposable | undefined;
  /** Names of sessions that were up when the daemon before this one died, and have not said anything since. */
  #presumed = new Set<string>();
  #keys = new Map<string, string>();
  #informs = new Map<string, "both" | "vrrp" | "checker">();

  constructor(deps: BfdSideDeps) {
    this.#deps = deps;
    const { clock, log } = deps;
    this.#sessions = new BfdSessions({
      clock,
      log,
      transport: deps.transport ?? new UdpTransport(log),
      random: Math.random,
      discriminator: () => randomInt(1, DISCRIMINATORS),
      onTell: (name, state) => this.#tell(name, state),
    });
  }

  /** At the start, and at every reload. */
  apply({ bfdInstances }: Pick<Config, "bfdInstances">): void {
    const { memory } = this.#deps;
    const starts = this.#keys.size === 0;
    const keys = new Map(bfdInstances.map((config) => [config.name, keyOf(config)]));
    for (const [name, key] of this.#keys) if (keys.get(name) !== key) memory.remember(key, false);
    this.#keys = keys;
    if (starts) this.#presumed = new Set([...keys].flatMap(([name, key]) => (memory.isUp(key) ? [name] : [])));
    this.#informs = new Map(bfdInstances.map(({ name, informs }) => [name, informs]));
    this.#sessions.update(bfdInstances);
  }

  /**
   * After a start or a reload of those who follow: what they have missed. Checkers hear that a session is down when it had time to
   * come up: until then servers stay as they were before a restart. So do virtual routers after a crash, where the session was up:
   * whoever was MASTER goes on.
   */
  tellAll(): void {
    let waits = this.#presumed.size > 0;
    for (const { config, since, told } of this.snapshots()) {
      if (config.informs !== "checker") this.#deps.onVrrp(config.name, this.#presumed.has(config.name) ? "up" : told);
      if (config.informs === "vrrp") continue;
      if (told === "up" || this.#deps.clock.now() - since > COMES_UP) this.#deps.onChecker(config.name, told);
      else waits = true;
    }
    if (waits) this.#later ??= this.#deps.clock.after(COMES_UP, () => this.#tellLater());
  }

  #tellLater(): void {
    this.#later = undefined;
    const presumed = this.#presumed;
    this.#presumed = new Set();
    for (const { config, told } of this.snapshots()) {
      if (presumed.has(config.name) && told === "down") this.#tell(config.name, "down");
      else if (config.informs !== "vrrp") this.#deps.onChecker(config.name, told);
    }
  }

  snapshots(): Generator<SessionSnapshot> {
    return this.#sessions.snapshots();
  }

  *dumps(): Generator<BfdDump> {
    for (const snapshot of this.snapshots()) yield bfdDump(snapshot);
  }

  *statuses(): Generator<BfdStatus> {
    const offset = Date.now() - bootTime();
    for (const snapshot of this.snapshots()) yield bfdStatus(snapshot, offset);
  }

  /** The other ends hear that it is on purpose. */
  stop(): void {
    this.#later?.[Symbol.dispose]();
    for (const key of this.#keys.values()) this.#deps.memory.remember(key, false);
    this.#sessions.stop();
  }

  #tell(name: string, state: "up" | "down"): void {
    this.#presumed.delete(name);
    const key = this.#keys.get(name);
    if (key !== undefined) this.#deps.memory.remember(key, state === "up");
    const informs = this.#informs.get(name) ?? "both";
    if (informs !== "checker") this.#deps.onVrrp(name, state);
    if (informs !== "vrrp") this.#deps.onChecker(name, state);
  }
}

/** Another end is another session. */
const keyOf = ({ name, neighborAddress, sourceAddress, multihop }: BfdInstanceConfig): string =>
  `${name} ${neighborAddress} ${sourceAddress ?? "any"} ${multihop}`;

function bfdDump({ config, session, txInterval, detectionTime, sent, received }: SessionSnapshot): BfdDump {
  const { name, neighborAddress: neighbor, sourceAddress: source, multiplier, ttl, maxHops } = config;
  const { multihop, passive, informs, weight, reverse } = config;
  const { state, discriminator, polling, remote } = session;
  const inUs = (time: number): number => Math.round(time * 1000);
  return {
    ...{ name, neighbor, source, multiplier, ttl, maxHops, multihop, passive, informs, weight, reverse },
    ...{ minRx: inUs(config.minRx), minTx: inUs(config.minTx), idleTx: inUs(config.idleTx) },
    ...{ state, discriminator, polling, sent, received, diagnostic: diagnosticText(session.diag) },
    txInterval: txInterval && inUs(txInterval),
    detectionTime: detectionTime && inUs(detectionTime),
    remote: remote && { ...remote, diagnostic: diagnosticText(remote.diag) },
  };
}

function bfdStatus({ config, session, since, txInterval, detectionTime }: SessionSnapshot, offset: number): BfdStatus {
  return {
    name: config.name,
    state: session.state,
    neighbor: config.neighborAddress,
    diagnostic: diagnosticText(session.diag),
    since: since + offset,
    ...(txInterval === undefined ? {} : { txIntervalMs: txInterval }),
    ...(detectionTime === undefined ? {} : { detectionTimeMs: detectionTime }),
  };
}
