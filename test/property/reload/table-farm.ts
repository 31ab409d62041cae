import type { Operation } from "../../../main/ipvs/operation.js";
import {
  type Destination,
  destinationKey,
  entryOf,
  type Service,
  type ServiceEntry,
  serviceKey,
} from "../../../main/ipvs/table.js";
import { port } from "../../../main/units.js";
import { sampleDestination, sampleService } from "../../harness/ipvs-samples.js";
import type { Random } from "../../simulation/cluster/random.js";

/** Tables of a few services with a few destinations, so that any two have much in common. */

const services: readonly Service[] = [
  sampleService("192.0.2.1"),
  sampleService("192.0.2.1", 80, {
    match: { kind: "address", protocol: "UDP", address: "192.0.2.1", port: port(80) },
  }),
  { ...sampleService("192.0.2.9"), match: { kind: "fwmark", fwmark: 7 } },
];
export const serviceKeys = services.map(serviceKey);

/** Destinations that are never wanted: somebody else's. */
const FOREIGN = "10.1.0";
export const isForeign = ({ address }: Pick<Destination, "address">): boolean => address.startsWith(FOREIGN);

const ownAddress = (n: number): string => `10.0.0.${n + 1}`;
const foreignAddress = (n: number): string => `${FOREIGN}.${n + 1}`;
const OWN = 5;

function randomDestination(random: Random, address: string): Destination {
  const weight = random.pick([0, 0, 1, 1, 1, 2]);
  const method = random.chance(0.1) ? ({ forwarding: "TUN" } as const) : {};
  return sampleDestination(address, { weight, ...method });
}

export function randomEntry(random: Random, at = random.below(services.length)): ServiceEntry {
  const service = { ...(services[at] ?? sampleService("192.0.2.1")), scheduler: random.pick(["rr", "rr", "wlc"]) };
  const destinations: Destination[] = [];
  for (let n = 0; n < OWN; n++) if (random.chance(0.5)) destinations.push(randomDestination(random, ownAddress(n)));
  return entryOf(service, destinations);
}

export function randomWish(random: Random): ReadonlyMap<string, ServiceEntry> {
  const wish = new Map<string, ServiceEntry>();
  for (const [i, key] of serviceKeys.entries()) if (random.chance(0.75)) wish.set(key, randomEntry(random, i));
  return wish;
}

/** What somebody else does with ipvsadm, for a kernel that has `present`; it works. */
export function foreignOperation(random: Random, present: ReadonlyMap<string, ServiceEntry>): Operation | undefined {
  const at = random.below(services.length);
  const entry = present.get(serviceKeys[at] ?? "");
  if (entry === undefined) return { do: "new-service", service: randomEntry(random, at).service };
  const { service, destinations } = entry;
  if (random.chance(0.1)) return { do: "del-service", service };
  if (random.chance(0.1)) return { do: "set-service", service: { ...service, scheduler: random.pick(["rr", "wlc"]) } };
  const address = random.chance(0.5) ? foreignAddress(random.below(2)) : ownAddress(random.below(OWN));
  const destination = randomDestination(random, address);
  const isThere = destinations.has(destinationKey(destination));
  if (!isThere) return { do: "new-dest", service, destination };
  return { do: random.chance(0.5) ? "set-dest" : "del-dest", service, destination };
}
