import { type Family, familyOf, type IpAddress } from "../address.js";
import type { Protocol, VirtualServerConfig } from "../config/model.js";
import type { GroupEntry } from "../config/model-lvs.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";
import { serviceFromConfig } from "./from-config.js";
import type { Service } from "./table.js";

/** The mark that stands for all addresses of a group; undefined: each has a service of its own. */
export type MarkOf = (group: string, protocol: Protocol) => number | undefined;

/** The services of a virtual server in the order of the file: one, or one for every address and mark of its group. */
export function* servicesOf(config: VirtualServerConfig, markOf: MarkOf): Generator<Service> {
  const { service, groupEntries = [] } = config;
  if (service.kind !== "group") {
    yield serviceFromConfig(config);
    return;
  }
  const { group, protocol = "UDP" } = service;
  const auto = canBeMarked(groupEntries) ? markOf(group, protocol) : undefined;
  if (auto === undefined) for (const entry of groupEntries) yield* servicesOfEntry(config, entry, protocol);
  else
    for (const family of familiesOf(groupEntries))
      yield serviceFromConfig(config, { family, match: { kind: "fwmark", fwmark: auto } });
}

/** Neither marks of its own nor addresses with all their ports. */
export const canBeMarked = (entries: readonly GroupEntry[]): boolean =>
  entries.every((entry) => entry.kind === "addresses" && entry.port !== 0);

function* servicesOfEntry(config: VirtualServerConfig, entry: GroupEntry, protocol: Protocol): Generator<Service> {
  if (entry.kind === "fwmark") {
    const { fwmark, family = "inet" } = entry;
    yield serviceFromConfig(config, { family, match: { kind: "fwmark", fwmark } });
    return;
  }
  const family = familyOf(entry.first);
  for (const address of addressesOf(entry))
    yield serviceFromConfig(config, { family, match: { kind: "address", protocol, address, port: entry.port } });
}

/** From the first to the last, both included. */
export function* addressesOf({
  first,
  last,
}: {
  readonly first: IpAddress;
  readonly last: IpAddress;
}): Generator<IpAddress> {
  yield first;
  const bytes = bytesOfIp(first);
  const end = bytesOfIp(last);
  while (bytes.compare(end) < 0) {
    for (let i = bytes.length - 1; i >= 0; i--) {
      const octet = ((bytes[i] ?? 0) + 1) & 0xff;
      bytes[i] = octet;
      if (octet !== 0) break;
    }
    yield ipOfBytes(bytes);
  }
}

const familiesOf = (entries: readonly GroupEntry[]): ReadonlySet<Family> =>
  new Set(entries.flatMap((entry) => (entry.kind === "addresses" ? familyOf(entry.first) : [])));
