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

/** The same, in steps of a few members. */
export function* entryInSteps(config: VirtualServerConfig, pool: Iterable<PoolMember>): Generator<void, ServiceEntry> {
  const destinations = new Map<DestinationKey, Destination>();
  for (const member of pool) {
    const destination = destinationFromConfig(config, member);
    destinations.set(destinationKey(destination), destination);
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

function destinationFromConfig({ service, forwarding }: VirtualServerConfig, member: PoolMember): Destination {
  return {
    family: familyOf(member.address),
    address: member.address,
    port: forwarding === "NAT" ? member.port : servicePort(service),
    forwarding,
    weight: Math.min(Math.max(Math.trunc(member.weight), 0), INT32_MAX),
    upperThreshold: 0,
    lowerThreshold: 0,
  };
}

/** Without NAT a packet keeps its port, so the kernel wants the service's own; a mark has none. */
const servicePort = (service: VirtualServerConfig["service"]): Port =>
  service.kind === "fwmark" ? port(0) : service.port;

/** `granularity`: an IPv4 netmask or an IPv6 prefix length as text. */
function netmaskOf(family: Family, granularity: string | undefined): number {
  if (granularity === undefined) return family === "inet" ? HOST_MASK_INET : HOST_PREFIX_INET6;
  if (family === "inet6") return Number(granularity);
  return granularity.split(".").reduce((mask, octet) => mask * 256 + Number(octet), 0);
}
