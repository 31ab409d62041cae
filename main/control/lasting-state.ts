import { createHash } from "node:crypto";
import type { OwnershipRecord } from "../ipvs/ownership.js";
import { type Milliseconds, ms } from "../units.js";
import type { Resumption } from "../vrrp/instance-types.js";
import type { VrrpState } from "../vrrp/machine-types.js";
import { stateNumbers } from "../vrrp/snapshot.js";
import type { StateSlab } from "./state-slab.js";

/** The state slab in the words of its users: health, VRRP and the IPVS entries that are ours. */
export class LastingState {
  readonly #slab: StateSlab;
  readonly #vrrpKeys = new Map<string, string>();

  constructor(slab: StateSlab) {
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

  rememberHealth(identity: string, up: boolean): void {
    this.#slab.set("health", identity, up ? 1 : 0);
  }

  forgetHealth(identity: string): void {
    this.#slab.delete("health", identity);
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
    if (state === "STOP") this.#slab.delete("vrrp", key);
    else this.#slab.set("vrrp", key, stateNumbers[state], this.#slab.get("vrrp", key)?.number);
  }

  owned(): readonly OwnershipRecord[] {
    return [...this.#slab.records("owned")].map(({ key, number }) => ({ key, print: number }));
  }

  ownershipChanged(added: readonly OwnershipRecord[], removed: readonly string[]): void {
    for (const key of removed) this.#slab.delete("owned", key);
    for (const { key, print } of added) this.#slab.set("owned", key, 0, print);
  }

  /** Unicast keys may be longer than a record holds. */
  #vrrpKey(instance: string): string {
    let key = this.#vrrpKeys.get(instance);
    if (key === undefined) {
      key = createHash("sha256").update(instance).digest("base64url");
      this.#vrrpKeys.set(instance, key);
    }
    return key;
  }
}

const stateNames: ReadonlyMap<number, VrrpState> = new Map(
  Object.entries(stateNumbers).map(([name, number]) => [number, name as VrrpState]),
);
