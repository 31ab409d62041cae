import { familyOf } from "../../main/address.js";
import {
  type Destination,
  entryOf,
  HOST_MASK_INET,
  HOST_PREFIX_INET6,
  type Service,
  type ServiceEntry,
} from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";

/** A TCP service with the address's own mask, `rr`, not persistent; `changes` say what is different. */
export function sampleService(address: string, servicePort = 80, changes: Partial<Service> = {}): Service {
  const family = familyOf(address);
  return {
    family,
    match: { kind: "address", protocol: "TCP", address, port: port(servicePort) },
    scheduler: "rr",
    flags: 0,
    timeoutSeconds: 0,
    netmask: family === "inet" ? HOST_MASK_INET : HOST_PREFIX_INET6,
    persistenceEngine: "",
    ...changes,
  };
}

/** A destination for direct routing with weight 1; `changes` say what is different. */
export function sampleDestination(address: string, changes: Partial<Destination> = {}): Destination {
  const rest = { forwarding: "DR", weight: 1, upperThreshold: 0, lowerThreshold: 0 } as const;
  return { family: familyOf(address), address, port: port(80), ...rest, ...changes };
}

/** `192.0.2.1:80` by `rr` with the given servers. */
export const sampleEntry = (...servers: readonly (string | Destination)[]): ServiceEntry =>
  entryOf(
    sampleService("192.0.2.1"),
    servers.map((server) => (typeof server === "string" ? sampleDestination(server) : server)),
  );
