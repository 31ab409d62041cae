import { type Family, familyOf, type IpAddress } from "../address.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { DestinationIpvsConfig, ForwardingConfig, TunnelConfig } from "../config/model-lvs.js";
import { type Port, port } from "../units.js";
import { unreachable } from "../unreachable.js";
import {
  type Destination,
  type DestinationKey,
  destinationKey,
  HOST_MASK_INET,
  HOST_PREFIX_INET6,
  IP_VS_SVC_F_ONEPACKET,
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHED1,
  IP_VS_SVC_F_SCHED2,
  IP_VS_SVC_F_SCHED3,
  type Service,
  type ServiceEntry,
  type ServiceId,
  sameTunnel,
} from "./table.js";

/** A member of the pool that a virtual server is to have now. */
export interface PoolMember {
  readonly address: IpAddress;
  readonly port: Port;
  /** Effective weight; clamped here to what the kernel takes. */
  readonly weight: number;
  /** Absent: method and tunnel are those of the virtual server, and there are no thresholds. */
  readonly ipvs?: DestinationIpvsConfig;
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

/**
 * The same, in steps of a few members. What is as in `before` is the same object: a change of one is no copy of all. Of members that
 * are one destination (a sorry server that is a real server too) the first that takes connections counts.
 * @param service one of those that a group has
 */
export function* entryInSteps(
  config: VirtualServerConfig,
  pool: Iterable<PoolMember>,
  before?: ServiceEntry,
  service: Service = serviceFromConfig(config),
): Generator<void, ServiceEntry> {
  const destinations = new Map<DestinationKey, Destination>();
  const former = new FormerDestinations(before);
  const servicePort = service.match.kind === "fwmark" ? port(0) : service.match.port;
  const ofService: DestinationIpvsConfig = {
    forwarding: { method: config.forwarding, tunnel: config.ipvs.tunnel },
    upperThreshold: 0,
    lowerThreshold: 0,
  };
  for (const { address, port: ownPort, weight: wanted, ipvs = ofService } of pool) {
    const { upperThreshold, lowerThreshold } = ipvs;
    const { method: forwarding } = ipvs.forwarding;
    const tunnel = tunnelOf(ipvs.forwarding);
    // Without NAT a packet keeps its port, so the kernel wants the service's own; a mark has none.
    const wantedPort = forwarding === "NAT" ? ownPort : servicePort;
    const weight = Math.min(Math.max(Math.trunc(wanted), 0), INT32_MAX);
    const known = former.take(address, wantedPort);
    const same =
      known?.[1].weight === weight &&
      known[1].forwarding === forwarding &&
      known[1].upperThreshold === upperThreshold &&
      known[1].lowerThreshold === lowerThreshold &&
      sameTunnel(known[1].tunnel, tunnel);
    if (same) destinations.set(known[0], known[1]);
    else {
      const plain = {
        family: familyOf(address),
        address,
        port: wantedPort,
        forwarding,
        weight,
        upperThreshold,
        lowerThreshold,
      };
      const fresh: Destination = tunnel === undefined ? plain : { ...plain, tunnel };
      const key = known?.[0] ?? destinationKey(fresh);
      const there = destinations.get(key);
      if (there === undefined || (there.weight === 0 && weight > 0)) destinations.set(key, fresh);
    }
    if (destinations.size % PER_STEP === 0) yield;
  }
  return { service, destinations };
}

/** Flags, time and granularity of persistence are set only for a persistent service; else the whole address counts. */
export function serviceFromConfig(config: VirtualServerConfig, { family, match }: ServiceId = idOf(config)): Service {
  const { scheduler, persistenceTimeoutSeconds, persistenceGranularity } = config;
  const persistent = persistenceTimeoutSeconds > 0;
  return {
    family,
    match,
    scheduler,
    flags: flagsOf(config),
    timeoutSeconds: persistenceTimeoutSeconds,
    netmask: netmaskOf(family, persistent ? persistenceGranularity : undefined),
    persistenceEngine: config.ipvs.persistenceEngine ?? "",
  };
}

/** @throws RangeError for a group, which has many services */
function idOf({ service }: VirtualServerConfig): ServiceId {
  switch (service.kind) {
    case "address":
      return { family: familyOf(service.address), match: service };
    case "fwmark":
      return { family: service.family, match: { kind: "fwmark", fwmark: service.fwmark } };
    case "group":
      throw new RangeError(`a service of group ${service.group} has to be named`);
    default:
      return unreachable(service);
  }
}

function flagsOf({ persistenceTimeoutSeconds, ipvs }: VirtualServerConfig): number {
  return (
    (persistenceTimeoutSeconds > 0 ? IP_VS_SVC_F_PERSISTENT : 0) |
    (ipvs.onePacket ? IP_VS_SVC_F_ONEPACKET : 0) |
    (ipvs.flag1 ? IP_VS_SVC_F_SCHED1 : 0) |
    (ipvs.flag2 ? IP_VS_SVC_F_SCHED2 : 0) |
    (ipvs.flag3 ? IP_VS_SVC_F_SCHED3 : 0)
  );
}

/** What is said of tunnels counts for method TUN only, and IP in IP needs no words. */
const tunnelOf = ({ method, tunnel }: ForwardingConfig): TunnelConfig | undefined =>
  method === "TUN" && tunnel.type !== "ipip" ? tunnel : undefined;

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

/** `granularity`: an IPv4 netmask or an IPv6 prefix length as text. */
function netmaskOf(family: Family, granularity: string | undefined): number {
  if (granularity === undefined) return family === "inet" ? HOST_MASK_INET : HOST_PREFIX_INET6;
  if (family === "inet6") return Number(granularity);
  return granularity.split(".").reduce((mask, octet) => mask * 256 + Number(octet), 0);
}
