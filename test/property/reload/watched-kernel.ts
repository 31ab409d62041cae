import { strict as assert } from "node:assert";
import { MemoryBackend } from "../../../main/ipvs/memory-backend.js";
import { type Operation, operationTarget } from "../../../main/ipvs/operation.js";
import { type Destination, destinationKey, type ServiceEntry, serviceKey } from "../../../main/ipvs/table.js";

interface Entry {
  service: ServiceEntry["service"];
  readonly destinations: Map<string, Destination>;
}

/** A table that is told of operation by operation: the same as the back end has, written once more. */
export class Mirror {
  readonly table = new Map<string, Entry>();

  /** Applies what the kernel would; anything else changes nothing. */
  apply(operation: Operation): void {
    const key = serviceKey(operation.service);
    const entry = this.table.get(key);
    switch (operation.do) {
      case "new-service":
        if (entry === undefined) this.table.set(key, { service: operation.service, destinations: new Map() });
        return;
      case "set-service":
        if (entry !== undefined) entry.service = operation.service;
        return;
      case "del-service":
        this.table.delete(key);
        return;
      case "del-dest":
        entry?.destinations.delete(destinationKey(operation.destination));
        return;
      default: {
        const name = destinationKey(operation.destination);
        const isThere = entry?.destinations.has(name) === true;
        if (isThere === (operation.do === "set-dest")) entry?.destinations.set(name, operation.destination);
      }
    }
  }

  /** Destinations that take connections. */
  serving(key: string): number {
    let count = 0;
    for (const { weight } of this.table.get(key)?.destinations.values() ?? []) if (weight > 0) count += 1;
    return count;
  }
}

/** The in-memory back end, every single operation watched. */
export class WatchedKernel {
  readonly mirror = new Mirror();
  readonly backend = new MemoryBackend({ refuse: (operation) => this.#see(operation) });
  /** What we sent since it was emptied. */
  sent: string[] = [];
  /** Of our own operations: errno, or undefined to carry it out. */
  refuse: (operation: Operation) => number | undefined = () => undefined;
  /** Hears of a service that has lost its last destination that takes connections, by an operation of ours. */
  onGap: (key: string, operation: string) => void = () => undefined;
  #isForeign: boolean = false;

  async others(operation: Operation): Promise<void> {
    this.#isForeign = true;
    const verdicts = this.backend.apply([operation]);
    this.#isForeign = false;
    assert.equal((await verdicts)[0]?.errno, 0, `by others: ${operation.do} ${operationTarget(operation)}`);
  }

  #see(operation: Operation): number | undefined {
    const refused = this.#isForeign ? undefined : this.refuse(operation);
    const text = `${operation.do} ${operationTarget(operation)}${refused === undefined ? "" : " refused"}`;
    if (!this.#isForeign) this.sent.push(text);
    if (refused !== undefined) return refused;
    const key = serviceKey(operation.service);
    const before = this.mirror.serving(key);
    this.mirror.apply(operation);
    if (!this.#isForeign && before > 0 && this.mirror.serving(key) === 0) this.onGap(key, text);
    return undefined;
  }
}
