import { virtualServerKey } from "../config/identity.js";
import type { Config, VirtualServerConfig } from "../config/model.js";
import type { PoolEntry } from "../health/virtual-server.js";
import { entryInSteps } from "../ipvs/from-config.js";
import type { MarkOf } from "../ipvs/group-services.js";
import { type PooledServices, ServiceMap } from "../ipvs/service-map.js";
import {
  type Destination,
  type DestinationKey,
  type ServiceEntry,
  type ServiceKey,
  serviceKey,
} from "../ipvs/table.js";
import type { Log } from "../observe/log.js";

export interface WantedServicesDeps {
  readonly log: Log;
  /** The destinations of a virtual server now; undefined: in this place is another one by now. */
  readonly pool: (place: number, config: VirtualServerConfig) => Iterable<PoolEntry> | undefined;
  /** What was wanted of a service until now, as far as it is at hand: what stays of it is not made anew. */
  readonly written: (key: ServiceKey) => ServiceEntry | undefined;
  readonly markOf: MarkOf;
}

/** The entries of the wanted table that a virtual server stands for. */
export class WantedServices {
  readonly #deps: WantedServicesDeps;
  #map = ServiceMap.empty;
  #configs: readonly VirtualServerConfig[] = [];
  /** Pairs of which it is said already that they share services. */
  #told: ReadonlySet<string> = new Set();

  constructor(deps: WantedServicesDeps) {
    this.#deps = deps;
  }

  /** Takes another configuration in force. @returns places of virtual servers that share services with others, now or until now */
  *take({ virtualServers }: Pick<Config, "virtualServers">): Generator<void, ReadonlySet<number>> {
    const before = this.#map;
    const map = yield* ServiceMap.build(virtualServers, this.#deps.markOf);
    this.#map = map;
    this.#configs = virtualServers;
    const touched = new Set<number>();
    for (const { holders } of map.shared()) {
      for (const place of holders) touched.add(place);
      yield;
    }
    for (const { service } of before.shared()) {
      for (const place of map.holdersOf(serviceKey(service))) touched.add(place);
      yield;
    }
    this.#tellShared();
    return touched;
  }

  has(key: ServiceKey): boolean {
    return this.#map.has(key);
  }

  /**
   * What the services of one virtual server are to be, in small steps: undefined is a step without result. The services of a group
   * have one list of destinations in common. While a reload is on its way nothing is said of services that several share: what they
   * are to be is asked again when it is in force.
   * @param entries its own pool, where it is at hand
   */
  *entriesOf(config: VirtualServerConfig, entries?: () => Iterable<PoolEntry>): Generator<ServiceEntry | undefined> {
    const place = this.#map.placeOf(config);
    if (place === undefined) return;
    const poolOf = (holder: number): Iterable<PoolEntry> | undefined => {
      if (holder === place && entries !== undefined) return entries();
      const of = this.#configs[holder];
      return of && this.#deps.pool(holder, of);
    };
    for (const pooled of this.#map.pooled(place)) {
      const destinations = yield* this.#destinations(pooled, poolOf);
      if (destinations !== undefined) for (const service of pooled.services) yield { service, destinations };
    }
  }

  *#destinations(
    { holders, services: [first] }: PooledServices,
    poolOf: (holder: number) => Iterable<PoolEntry> | undefined,
  ): Generator<undefined, ServiceEntry["destinations"] | undefined> {
    if (first === undefined) return undefined;
    const before = this.#deps.written(serviceKey(first));
    const parts: ServiceEntry["destinations"][] = [];
    for (const holder of holders) {
      const config = this.#configs[holder];
      const pool = poolOf(holder);
      if (config === undefined || pool === undefined) return undefined;
      const steps = entryInSteps(config, pool, before, first);
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) yield undefined;
      parts.push(step.value.destinations);
    }
    return parts.length === 1 ? parts[0] : union(parts);
  }

  #tellShared(): void {
    const pairs = new Map<string, { readonly services: ServiceKey[]; readonly names: readonly string[] }>();
    for (const { service, holders } of this.#map.shared()) {
      const names = holders
        .map((place) => this.#configs[place])
        .flatMap((c) => (c === undefined ? [] : virtualServerKey(c)));
      const pair = pairs.get(names.join()) ?? { services: [], names };
      pair.services.push(serviceKey(service));
      pairs.set(names.join(), pair);
    }
    for (const [key, { services, names }] of pairs) {
      if (this.#told.has(key)) continue;
      const what = services.length === 1 ? services[0] : `${services[0]} and ${services.length - 1} more`;
      const sentence = `Virtual servers ${names.join(", ")} ask for the same service ${what}: it has the real servers of all and the settings of ${names[0]} - give each its own addresses`;
      this.#deps.log("warning", "ipvs.shared-service", sentence, { virtualServers: names.join(", ") });
    }
    this.#told = new Set(pairs.keys());
  }
}

/** In the order of the file. Of a destination that several have, the first one that takes connections counts. */
function union(parts: readonly ServiceEntry["destinations"][]): ServiceEntry["destinations"] {
  const all = new Map<DestinationKey, Destination>();
  for (const part of parts)
    for (const [key, destination] of part) {
      const known = all.get(key);
      if (known === undefined || (known.weight === 0 && destination.weight > 0)) all.set(key, destination);
    }
  return all;
}
