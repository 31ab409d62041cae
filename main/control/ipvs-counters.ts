import type { VirtualServerConfig } from "../config/model.js";
import { inSlices } from "../health/slices.js";
import type { IpvsBackend } from "../ipvs/backend.js";
import { type DestinationCounters, noTraffic, type ServiceCounters, type Traffic } from "../ipvs/counters.js";
import { type MarkOf, servicesOf } from "../ipvs/group-services.js";
import { type DestinationKey, type Service, type ServiceKey, serviceKey } from "../ipvs/table.js";

export interface ServerCounters extends Readonly<Traffic> {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
}

/** Of all services that a virtual server stands for. */
export interface VirtualServerCounters {
  readonly total: ServerCounters;
  /** By what names a destination in the kernel. */
  readonly destinations: ReadonlyMap<DestinationKey, ServerCounters>;
}

/** A group with more is not counted: each service is a reading of its own. */
const MOST_SERVICES = 1024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What IPVS counts, read for one answer: all services at once, and the destinations of a virtual server when it is its turn. */
export class IpvsCounters {
  readonly #backend: IpvsBackend;
  readonly #markOf: MarkOf;
  readonly #services: ReadonlyMap<ServiceKey, ServiceCounters>;

  private constructor(backend: IpvsBackend, markOf: MarkOf, services: ReadonlyMap<ServiceKey, ServiceCounters>) {
    this.#backend = backend;
    this.#markOf = markOf;
    this.#services = services;
  }

  /** @returns undefined when the table cannot be read now */
  static async read(backend: IpvsBackend, markOf: MarkOf): Promise<IpvsCounters | undefined> {
    const dump = await backend.dumpServiceCounters();
    if (dump.kind === "unreliable") return undefined;
    const services = new Map<ServiceKey, ServiceCounters>();
    await inSlices(
      (function* () {
        for (const service of dump.entries) yield void services.set(service.key, service);
      })(),
    );
    return new IpvsCounters(backend, markOf, services);
  }

  /** @returns undefined when the kernel has nothing of it, or changed while it was read */
  async of(config: VirtualServerConfig): Promise<VirtualServerCounters | undefined> {
    const total = noCounters();
    const destinations = new Map<DestinationKey, Mutable<ServerCounters>>();
    let services = 0;
    for (const service of servicesOf(config, this.#markOf)) {
      if (++services > MOST_SERVICES) return undefined;
      const counted = this.#services.get(serviceKey(service));
      if (counted === undefined) continue;
      addTraffic(total, counted);
      if (!(await this.#addDestinations(service, total, destinations))) return undefined;
    }
    return destinations.size === 0 ? undefined : { total, destinations };
  }

  async #addDestinations(
    service: Service,
    total: Mutable<ServerCounters>,
    destinations: Map<DestinationKey, Mutable<ServerCounters>>,
  ): Promise<boolean> {
    const dump = await this.#backend.dumpDestinationCounters(service);
    if (dump.kind === "unreliable") return false;
    await inSlices(
      (function* () {
        for (const entry of dump.entries) {
          const own = destinations.get(entry.key) ?? noCounters();
          destinations.set(entry.key, own);
          addTraffic(own, entry);
          addConnections(own, entry);
          addConnections(total, entry);
          yield;
        }
      })(),
    );
    return true;
  }
}

const noCounters = (): Mutable<ServerCounters> => ({
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
  ...noTraffic(),
});

function addTraffic(to: Traffic, from: Readonly<Traffic>): void {
  to.connections += from.connections;
  to.inPackets += from.inPackets;
  to.outPackets += from.outPackets;
  to.inBytes += from.inBytes;
  to.outBytes += from.outBytes;
}

function addConnections(to: Mutable<ServerCounters>, from: DestinationCounters): void {
  to.activeConnections += from.activeConnections;
  to.inactiveConnections += from.inactiveConnections;
  to.persistentConnections += from.persistentConnections;
}
