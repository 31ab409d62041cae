import { createHash } from "node:crypto";
import type { HeldMemory } from "../health/held-servers.js";
import type { QuorumMemory } from "../health/quorum-memory.js";
import type { OwnershipRecord } from "../ipvs/ownership.js";
import type { SettingsMemory as IpvsSettingsMemory } from "../ipvs/settings-memory.js";
import type { ChangedSetting, SettingsMemory } from "../network/link-settings.js";
import type { FifoMemory } from "../notify/fifo-file.js";
import { type Milliseconds, ms } from "../units.js";
import type { Resumption } from "../vrrp/instance-types.js";
import type { VrrpState } from "../vrrp/machine-types.js";
import { stateNumbers } from "../vrrp/snapshot.js";
import type { StartupMemory } from "../vrrp/startup-delay.js";
import type { TrackMemory } from "../vrrp/track-memory.js";
import type { SequenceStore } from "../vrrp/wire-state.js";
import type { SessionMemory } from "./bfd-side.js";
import type { MarkMemory } from "./group-marks.js";
import { KEY_MAX } from "./record-index.js";
import type { StateMemory } from "./state-memory.js";
import type { SlabRecord } from "./state-slab.js";

type Records = Pick<StateMemory, "records" | "get" | "set" | "delete">;

/** The state slab in the words of its users: health, VRRP, the IPVS entries that are ours, settings of interfaces, pipes. */
export class LastingState implements SettingsMemory, FifoMemory {
  readonly #slab: Records;
  readonly #vrrpKeys = new Map<string, string>();

  constructor(slab: Records) {
    this.#slab = slab;
  }

  health(identity: string): "up" | "down" | undefined {
    const record = this.#slab.get("health", identity);
    return record && (record.state === 1 ? "up" : "down");
  }

  /** Of any check. */
  knowsHealth(): boolean {
    return this.#slab.records("health").next().done !== true;
  }

  /** What a check that sets weights said last. */
  healthValue(identity: string): number | undefined {
    return this.#slab.get("health", identity)?.number;
  }

  rememberHealth(identity: string, up: boolean, value = 0): void {
    this.#slab.set("health", identity, up ? 1 : 0, value);
  }

  forgetHealth(identity: string): void {
    this.#slab.delete("health", identity);
  }

  /** After a start: of checks that an earlier daemon made, and nobody wants any more. Configured again, they begin anew. */
  *forgettingHealth(isWanted: (identity: string) => boolean): Generator<void> {
    for (const { key } of this.#slab.records("health")) {
      if (!isWanted(key)) this.#slab.delete("health", key);
      yield;
    }
  }

  resumption(instance: string): Resumption | undefined {
    const record = this.#slab.get("vrrp", this.#vrrpKey(instance));
    const state = record && stateNames.get(record.state);
    return state && { state, lastAdvertBootMs: ms(record.number) };
  }

  /** Every advert of a master: one store of eight octets. */
  rememberAdvert(instance: string, at: Milliseconds): void {
    this.#slab.set("vrrp", this.#vrrpKey(instance), stateNumbers.MASTER, at);
  }

  rememberVrrp(instance: string, state: VrrpState): void {
    const key = this.#vrrpKey(instance);
    if (state === "STOP") for (const kind of ["vrrp", "ah", "hmac"] as const) this.#slab.delete(kind, key);
    else this.#slab.set("vrrp", key, stateNumbers[state], this.#slab.get("vrrp", key)?.number);
  }

  /** A reload removed it. Its sequence numbers stay: who is configured again signs with higher ones. */
  forgetVrrp(instance: string): void {
    const key = this.#vrrpKey(instance);
    this.#slab.delete("vrrp", key);
    this.#vrrpKeys.delete(instance);
  }

  /** After a take-over: what earlier daemons knew of instances that nobody configures any more. A record at a time. */
  *forgettingOthers(instances: () => Iterable<string>): Generator<void> {
    const found: SlabRecord[] = [];
    for (const kind of ["vrrp", "ah", "hmac"] as const)
      for (const record of this.#slab.records(kind)) {
        found.push(record);
        yield;
      }
    const kept = new Set([STARTUP]); // asked for now: a reload may have come in between
    for (const instance of instances()) kept.add(this.#vrrpKey(instance));
    for (const { kind, key } of found) if (!kept.has(key)) this.#slab.delete(kind, key);
  }

  /** Since when the start is delayed; undefined: it is not. A crash does not end the delay. */
  readonly startup: StartupMemory = {
    began: () => {
      const record = this.#slab.get("vrrp", STARTUP);
      return record && ms(record.number);
    },
    remember: (at) => {
      if (at === undefined) this.#slab.delete("vrrp", STARTUP);
      else this.#slab.set("vrrp", STARTUP, stateNumbers.INIT, at);
    },
  };

  /** Sequence numbers of signed adverts, one store of eight octets for many adverts. */
  sequences(instance: string): SequenceStore {
    const key = this.#vrrpKey(instance);
    return {
      floor: (what) => this.#slab.get(what, key)?.number ?? 0,
      reserve: (what, upTo) => this.#slab.set(what, key, 0, upTo),
    };
  }

  /** Something of ours is in the table, or was. */
  ownsEntries(): boolean {
    return this.#slab.records("owned").next().done !== true;
  }

  /** A record at a time: there are as many as destinations. */
  *owned(): Generator<OwnershipRecord> {
    for (const { key, number } of this.#slab.records("owned")) yield { key, print: number };
  }

  ownershipChanged(added: readonly OwnershipRecord[], removed: readonly string[]): void {
    for (const key of removed) this.#slab.delete("owned", key);
    for (const { key, print } of added) this.#slab.set("owned", key, 0, print);
  }

  *changedSettings(): Generator<[path: string, changed: ChangedSetting]> {
    for (const { key, state, number } of this.#slab.records("setting"))
      yield [key, { before: String(number), value: String(state) }];
  }

  /** All of them are small numbers. */
  rememberSetting(path: string, { before, value }: ChangedSetting): void {
    const [was, is] = [Number(before), Number(value)];
    if (Number.isInteger(was) && is >= 0 && is <= 255 && Buffer.byteLength(path) <= KEY_MAX)
      this.#slab.set("setting", path, is, was);
  }

  forgetSetting(path: string): void {
    if (Buffer.byteLength(path) <= KEY_MAX) this.#slab.delete("setting", path);
  }

  madeFifo(path: string): number | undefined {
    return this.#slab.get("fifo", digestOf(path))?.number;
  }

  rememberFifo(path: string, inode: number): void {
    this.#slab.set("fifo", digestOf(path), 0, inode);
  }

  forgetFifo(path: string): void {
    this.#slab.delete("fifo", digestOf(path));
  }

  /** Of IPVS's settings, what is ours and what was there before us. */
  readonly ipvsSettings: IpvsSettingsMemory = {
    get: (name) => this.#slab.get("ipvs", name)?.number,
    set: (name, value) => this.#slab.set("ipvs", name, 0, value),
    delete: (name) => this.#slab.delete("ipvs", name),
  };

  /** Marks of nftables_ipvs. */
  readonly groupMarks: MarkMemory = {
    get: (name) => this.#slab.get("ipvs", markKey(name))?.number,
    set: (name, mark) => this.#slab.set("ipvs", markKey(name), 0, mark),
    delete: (name) => this.#slab.delete("ipvs", markKey(name)),
    all: () => [...this.#slab.records("ipvs")].flatMap(({ key, number }) => (key.startsWith(MARK) ? number : [])),
  };

  /** BFD sessions that are up. @param session what tells it from all others */
  readonly bfd: SessionMemory = {
    isUp: (session) => this.#slab.get("bfd", digestOf(session)) !== undefined,
    remember: (session, up) => {
      if (up) this.#slab.set("bfd", digestOf(session), 1);
      else this.#slab.delete("bfd", digestOf(session));
    },
  };

  /** Failed servers that are held back in the table. */
  readonly held: HeldMemory = {
    takeAll: () => {
      const since = new Map<string, number>();
      for (const { key, number } of this.#slab.records("ipvs")) if (key.startsWith(HELD)) since.set(key, number);
      for (const key of since.keys()) this.#slab.delete("ipvs", key);
      return (name) => {
        const at = since.get(heldKey(name));
        return at === undefined ? undefined : ms(at);
      };
    },
    set: (name, since) => this.#slab.set("ipvs", heldKey(name), 0, since),
    delete: (name) => this.#slab.delete("ipvs", heldKey(name)),
  };

  /** What VRRP's trackers knew. */
  readonly tracks: TrackMemory = {
    takeAll: () => {
      const known = new Map<string, number>();
      for (const { key, number } of this.#slab.records("track")) known.set(key, number);
      for (const key of known.keys()) this.#slab.delete("track", key);
      return (what) => known.get(digestOf(what));
    },
    set: (what, value) => this.#slab.set("track", digestOf(what), 0, value),
    delete: (what) => this.#slab.delete("track", digestOf(what)),
  };

  /** Of virtual servers: between quorum - hysteresis and quorum + hysteresis nothing else tells which it was. */
  readonly quorums: QuorumMemory = {
    get: (virtualServer) => {
      const record = this.#slab.get("quorum", digestOf(virtualServer));
      return record && (record.state === 1 ? "up" : "down");
    },
    set: (virtualServer, quorum) => this.#slab.set("quorum", digestOf(virtualServer), quorum === "up" ? 1 : 0),
    delete: (virtualServer) => this.#slab.delete("quorum", digestOf(virtualServer)),
    forgettingOthers: (virtualServers) => this.#forgettingQuorums(virtualServers),
  };

  *#forgettingQuorums(virtualServers: Iterable<string>): Generator<void> {
    const gone = new Set<string>();
    for (const { key } of this.#slab.records("quorum")) {
      gone.add(key);
      yield;
    }
    for (const name of gone.size === 0 ? [] : virtualServers) {
      gone.delete(digestOf(name));
      yield;
    }
    for (const key of gone) {
      this.#slab.delete("quorum", key);
      yield;
    }
  }

  /** Unicast keys may be longer than a record holds. */
  #vrrpKey(instance: string): string {
    let key = this.#vrrpKeys.get(instance);
    if (key === undefined) {
      key = digestOf(instance);
      this.#vrrpKeys.set(instance, key);
    }
    return key;
  }
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Beside the instances' digests, which are longer. */
const STARTUP = "startup";

const MARK = "mark:";
const markKey = (name: string): string => MARK + digestOf(name);

const HELD = "held:";
const heldKey = (name: string): string => HELD + digestOf(name);

const stateNames: ReadonlyMap<number, VrrpState> = new Map(
  Object.entries(stateNumbers).map(([name, number]) => [number, name as VrrpState]),
);
