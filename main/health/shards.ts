import { identityHash } from "../../workers/identity-hash.js";
import type { CheckConfig } from "../config/model.js";

/** How far a shard may be above the average before new checks go elsewhere. */
const slack = 1.1;
/** How far after a reload before checks that have a shard move. */
const tolerance = 1.25;

/** Relative processor time per second that a check costs: attempts per second, weighted by what one attempt takes. */
export function checkCost(check: CheckConfig): number {
  return attemptCosts[check.type] / Math.max(1, check.timing.delayLoop / 1000);
}

/**
 * Measured over loopback with the probe engine; a TCP connect (23 µs) is the unit. TLS: a full handshake of TLS 1.3, ECDSA P-256;
 * one that resumes a session may still be answered with a full one, so it counts the same.
 */
const attemptCosts: Readonly<Record<CheckConfig["type"], number>> = {
  TCP_CHECK: 1,
  HTTP_GET: 1.7,
  SSL_GET: 25,
  PING_CHECK: 0.5,
  UDP_CHECK: 1,
  DNS_CHECK: 1,
  SMTP_CHECK: 3,
  MISC_CHECK: 40,
};

/**
 * Which shard runs which check. The identity's hash decides, unless that shard already carries more than its part: then the
 * lightest one. A check that has a shard keeps it, unless a reload has left the shards uneven.
 */
export class ShardPlan {
  readonly #loads: number[];

  constructor(shards: number) {
    this.#loads = new Array<number>(shards).fill(0);
  }

  get loads(): readonly number[] {
    return this.#loads;
  }

  /** @returns index of the shard */
  add(identity: string, cost: number): number {
    const preferred = (identityHash(identity) % this.#loads.length) | 0; // else V8 keeps an object for the number
    const bound = slack * (this.#average() + cost / this.#loads.length);
    const shard = this.#loadOf(preferred) <= bound ? preferred : this.#lightest();
    this.#change(shard, cost);
    return shard;
  }

  remove(shard: number, cost: number): void {
    this.#change(shard, -cost);
  }

  /** Worth moving checks that run. */
  get isUneven(): boolean {
    return Math.max(...this.#loads) > tolerance * this.#average();
  }

  /** Moves a check of a shard that carries too much, if that makes them more even. @returns its shard, new or old */
  relieve(shard: number, cost: number): number {
    const [load, average, lightest] = [this.#loadOf(shard), this.#average(), this.#lightest()];
    if (load <= average || this.#loadOf(lightest) + cost > Math.max(average, load - cost)) return shard;
    this.#change(shard, -cost);
    this.#change(lightest, cost);
    return lightest;
  }

  #average(): number {
    return this.#loads.reduce((sum, load) => sum + load, 0) / this.#loads.length;
  }

  #lightest(): number {
    return this.#loads.indexOf(Math.min(...this.#loads));
  }

  #loadOf(shard: number): number {
    return this.#loads[shard] ?? 0;
  }

  #change(shard: number, by: number): void {
    this.#loads[shard] = this.#loadOf(shard) + by;
  }
}
