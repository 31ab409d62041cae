import { type Family, familyOf, type IpAddress } from "../address.js";
import type { VirtualServerConfig } from "../config/model.js";
import { type Port, port } from "../units.js";
import {
  type Destination,
  type DestinationKey,
  destinationKey,
  HOST_MASK_INET,
  HOST_PREFIX_INET6,
  IP_VS_SVC_F_PERSISTENT,
  type Service,
  type ServiceEntry,
} from "./table.js";

/** A member of the pool that a virtual server is to have now. */
export interface PoolMember {
  readonly address: IpAddress;
  readonly port: Port;
  /** Effective weight; clamped here to what the kernel takes. */
  readonly weight: number;
}

const INT32_MAX = 0x7fffffff;

/** What a virtual server with this pool is in IPVS, as keepalived would set it up. */
export function entryFromConfig(config: VirtualServerConfig, pool: Iterable<PoolMember>): ServiceEntry {
  const steps = entryInSteps(config, pool);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Members that are taken in between two steps: a step costs as much as a member. */
const PER_STEP = 32;

/** The same, in steps of a few members. What is as in `before` is the same object: a change of one is no copy of all. */
export function* entryInSteps(
  config: VirtualServerConfig,
  pool: Iterable<PoolMember>,
  before?: ServiceEntry,
): Generator<void, ServiceEntry> {
  const destinations = new Map<DestinationKey, Destination>();
  const former = new FormerDestinations(before);
  const { forwarding } = config;
  for (const { address, port: ownPort, weight: wanted } of pool) {
    // Without NAT a packet keeps its port, so the kernel wants the service's own; a mark has none.
    const port = forwarding === "NAT" ? ownPort : servicePort(config.service);
    const weight = Math.min(Math.max(Math.trunc(wanted), 0), INT32_MAX);
    const known = former.take(address, port);
    if (known?.[1].weight === weight && known[1].forwarding === forwarding) destinations.set(known[0], known[1]);
    else {
      const family = familyOf(address);
      const fresh = { family, address, port, forwarding, weight, upperThreshold: 0, lowerThreshold: 0 };
      destinations.set(known?.[0] ?? destinationKey(fresh), fresh);
    }
    if (destinations.size % PER_STEP === 0) yield;
  }
  return { service: serviceFromConfig(config), destinations };
}

/** Flags, time and granularity of persistence are set only for a persistent service; else the whole address counts. */
export function serviceFromConfig(config: VirtualServerConfig): Service {
  const { service, scheduler, persistenceTimeoutSeconds, persistenceGranularity } = config;
  const family = service.kind === "fwmark" ? service.family : familyOf(service.address);
  const persistent = persistenceTimeoutSeconds > 0;
  return {
    family,
    match: service.kind === "fwmark" ? { kind: "fwmark", fwmark: service.fwmark } : service,
    scheduler,
    flags: persistent ? IP_VS_SVC_F_PERSISTENT : 0,
    timeoutSeconds: persistenceTimeoutSeconds,
    netmask: netmaskOf(family, persistent ? persistenceGranularity : undefined),
    persistenceEngine: "",
  };
}

/**
 * Finds what an entry had already, key included. The order is mostly the same: so nothing is made for what goes on as it is, which
 * matters when a pool of hundreds loses one after the other.
 */
class FormerDestinations {
  readonly #before: ReadonlyMap<DestinationKey, Destination> | undefined;
  readonly #rest: Iterator<[DestinationKey, Destination]> | undefined;
  #next: readonly [DestinationKey, Destination] | undefined;

  constructor(before: ServiceEntry | undefined) {
    this.#before = before?.destinations;
    this.#rest = this.#before?.entries();
    this.#advance();
  }

  take(address: IpAddress, port: Port): readonly [DestinationKey, Destination] | undefined {
    const isIt = (entry = this.#next): boolean => entry?.[1].address === address && entry[1].port === port;
    if (!isIt()) {
      if (this.#next === undefined || !this.#before?.has(destinationKey({ family: familyOf(address), address, port })))
        return undefined;
      while (this.#next !== undefined && !isIt()) this.#advance();
    }
    const found = this.#next;
    this.#advance();
    return found;
  }

  #advance(): void {
    const step = this.#rest?.next();
    this.#next = step === undefined || step.done === true ? undefined : step.value;
  }
}

const servicePort = (service: VirtualServerConfig["service"]): Port =>
  service.kind === "fwmark" ? port(0) : service.port;

/** `granularity`: an IPv4 netmask or an IPv6 prefix length as text. */
function netmaskOf(family: Family, granularity: string | undefined): number {
  if (granularity === undefined) return family === "inet" ? HOST_MASK_INET : HOST_PREFIX_INET6;
  if (family === "inet6") return Number(granularity);
  return granularity.split(".").reduce((mask, octet) => mask * 256 + Number(octet), 0);
}
