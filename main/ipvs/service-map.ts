import type { VirtualServerConfig } from "../config/model.js";
import { type MarkOf, servicesOf } from "./group-services.js";
import { type Service, type ServiceKey, serviceKey } from "./table.js";

/** Services that have the same destinations: mostly one, of one virtual server. */
export interface PooledServices {
  /** Places of the virtual servers whose pools they have, in the order of the file. */
  readonly holders: readonly number[];
  readonly services: readonly Service[];
}

interface Claimed {
  /** As the first that asks for it wants it. */
  readonly service: Service;
  readonly holders: number[];
}

/** Which virtual server has which services in the kernel: groups have many, and two blocks may ask for the same one. */
export class ServiceMap {
  readonly #pooled: readonly (readonly PooledServices[])[];
  readonly #places: ReadonlyMap<VirtualServerConfig, number>;
  readonly #claimed: ReadonlyMap<ServiceKey, Claimed>;

  private constructor(
    pooled: readonly (readonly PooledServices[])[],
    places: ReadonlyMap<VirtualServerConfig, number>,
    claimed: ReadonlyMap<ServiceKey, Claimed>,
  ) {
    this.#pooled = pooled;
    this.#places = places;
    this.#claimed = claimed;
  }

  static readonly empty = new ServiceMap([], new Map(), new Map());

  /** In steps of one service each. */
  static *build(configs: readonly VirtualServerConfig[], markOf: MarkOf): Generator<void, ServiceMap> {
    const claimed = new Map<ServiceKey, Claimed>();
    for (const [place, config] of configs.entries()) {
      for (const service of servicesOf(config, markOf)) {
        const key = serviceKey(service);
        const known = claimed.get(key);
        if (known === undefined) claimed.set(key, { service, holders: [place] });
        else if (known.holders.at(-1) !== place) known.holders.push(place);
        yield;
      }
    }
    const pooled: PooledServices[][] = configs.map(() => []);
    const byPool = new Map<string, Service[]>();
    for (const { service, holders } of claimed.values()) {
      const name = poolName(service, holders);
      const services = byPool.get(name);
      if (services === undefined) {
        const first = [service];
        byPool.set(name, first);
        for (const holder of holders) pooled[holder]?.push({ holders, services: first });
      } else services.push(service);
      yield;
    }
    return new ServiceMap(pooled, new Map(configs.map((config, place) => [config, place])), claimed);
  }

  /** Undefined: not of this configuration. */
  placeOf(config: VirtualServerConfig): number | undefined {
    return this.#places.get(config);
  }

  has(key: ServiceKey): boolean {
    return this.#claimed.has(key);
  }

  /** Places of the virtual servers that ask for a service. */
  holdersOf(key: ServiceKey): readonly number[] {
    return this.#claimed.get(key)?.holders ?? [];
  }

  /** Of the virtual server in this place. */
  pooled(place: number): readonly PooledServices[] {
    return this.#pooled[place] ?? [];
  }

  /** Services that several virtual servers ask for. */
  *shared(): Generator<Claimed> {
    for (const claim of this.#claimed.values()) if (claim.holders.length > 1) yield claim;
  }
}

/** Without NAT a destination has the port of its service: what differs in that differs in all its destinations. */
const poolName = ({ match }: Service, holders: readonly number[]): string =>
  `${holders.join()} ${match.kind === "fwmark" ? 0 : match.port}`;
