import type { RealServerConfig, VirtualServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import { keys } from "../health/generation.js";
import { nextQuorum } from "../health/quorum.js";
import { destinationPrint, destinationText, servicePrint, serviceText } from "../ipvs/fingerprint.js";
import { entryInSteps, type PoolMember } from "../ipvs/from-config.js";
import { type MarkOf, servicesOf } from "../ipvs/group-services.js";
import { type OwnershipRecord, ownershipKey } from "../ipvs/ownership.js";
import {
  type Destination,
  type DestinationKey,
  destinationKey,
  type Service,
  type ServiceEntry,
  type ServiceKey,
  sameDestination,
  sameService,
  serviceKey,
  type Table,
} from "../ipvs/table.js";

/** What a check is known by, and what the table says of it. */
export interface InheritedCheck {
  readonly check: ServerCheckConfig;
  readonly up: boolean;
  /** Of one that sets weights: what it must have said. */
  readonly value: number | undefined;
}

/** What a virtual server, by its `LiveServer.key`, must have said last. */
export interface InheritedQuorum {
  readonly virtualServer: string;
  readonly quorum: "up" | "down";
}

/** Something that is said of a service, or of a destination in it. */
export interface TableNote {
  readonly service: ServiceKey;
  readonly destination?: DestinationKey;
  readonly wanted?: string;
  readonly found?: string;
}

/** What another daemon's table tells about the configuration. */
export interface InheritedTable {
  /** Entries that the configuration names: from now on they are ours. As they would be written, so that what somebody set by hand shows. */
  readonly owned: readonly OwnershipRecord[];
  /** A check may come several times, for each server that has it. */
  readonly checks: readonly InheritedCheck[];
  readonly quorums: readonly InheritedQuorum[];
  readonly serving: number;
  /** Real servers that take no connections: down until they have been checked. */
  readonly down: readonly TableNote[];
  /** Services that are not there. */
  readonly missing: readonly TableNote[];
  /** Destinations in our services, and services, that the configuration does not name: they stay. */
  readonly foreign: readonly TableNote[];
  /** Set by hand, or by an older configuration: it stays until the next change or reload. */
  readonly drift: readonly TableNote[];
}

interface Draft {
  readonly owned: OwnershipRecord[];
  readonly checks: InheritedCheck[];
  readonly quorums: InheritedQuorum[];
  serving: number;
  readonly down: TableNote[];
  readonly missing: TableNote[];
  readonly foreign: TableNote[];
  readonly drift: TableNote[];
}

/**
 * Reads a table that another daemon made by the same configuration: what takes connections has passed its checks, what is missing or
 * of weight 0 for a failure has not. In steps of one server: tables are large.
 */
export function* inheritTable(
  virtualServers: readonly VirtualServerConfig[],
  markOf: MarkOf,
  kernel: Table,
): Generator<void, InheritedTable> {
  const draft: Draft = {
    ...{ owned: [], checks: [], quorums: [], serving: 0 },
    ...{ down: [], missing: [], foreign: [], drift: [] },
  };
  const keyOf = keys();
  const named = new Map<ServiceKey, Set<DestinationKey>>();
  for (const config of virtualServers) {
    const virtualServer = keyOf(config);
    let quorum: "up" | "down" | undefined;
    for (const service of servicesOf(config, markOf)) {
      const key = serviceKey(service);
      const names = named.get(key) ?? new Set();
      if (!named.has(key)) takeService(service, kernel.get(key), draft);
      named.set(key, names);
      const taken = takeServers(config, service, kernel.get(key), draft);
      let step = taken.next();
      for (; step.done !== true; step = taken.next()) {
        names.add(step.value);
        yield;
      }
      quorum ??= step.value;
    }
    if (quorum !== undefined) draft.quorums.push({ virtualServer, quorum });
  }
  for (const [key, entry] of kernel) {
    noteForeign(key, entry, named.get(key), draft);
    yield;
  }
  return draft;
}

function takeService(service: Service, found: ServiceEntry | undefined, draft: Draft): void {
  const key = serviceKey(service);
  if (found === undefined) {
    draft.missing.push({ service: key });
    return;
  }
  draft.owned.push({ key: ownershipKey(service), print: servicePrint(service) });
  if (!sameService(service, found.service))
    draft.drift.push({ service: key, wanted: serviceText(service), found: serviceText(found.service) });
}

/** Yields what the virtual server names in its service. @returns its quorum; undefined: nothing shows it */
function* takeServers(
  config: VirtualServerConfig,
  service: Service,
  found: ServiceEntry | undefined,
  draft: Draft,
): Generator<DestinationKey, "up" | "down" | undefined> {
  const taken = new Set<DestinationKey>();
  let weight = 0;
  for (const server of config.realServers) {
    const wanted = destinationOf(config, service, server);
    const name = destinationKey(wanted);
    taken.add(name);
    weight += takeServer(server, wanted, found?.destinations.get(name), service, draft);
    yield name;
  }
  const { sorryServer, ipvs } = config;
  if (sorryServer === undefined) return found && quorumOf(config, weight, undefined);
  const how = { forwarding: ipvs.sorryForwarding, upperThreshold: 0, lowerThreshold: 0 };
  const sorry = destinationOf(config, service, { ...sorryServer, weight: 1, ipvs: how });
  const name = destinationKey(sorry);
  yield name;
  if (taken.has(name)) return found && quorumOf(config, weight, undefined);
  const there = found?.destinations.get(name);
  if (there !== undefined) draft.owned.push({ key: ownershipKey(service, sorry), print: destinationPrint(sorry) });
  return found && quorumOf(config, weight, there !== undefined && there.weight > 0);
}

/** @returns the weight that keepalived must have counted for its quorum */
function takeServer(
  server: RealServerConfig,
  wanted: Destination,
  found: Destination | undefined,
  service: Service,
  draft: Draft,
): number {
  const serves = found !== undefined && (found.weight > 0 || !server.inhibitOnFailure || server.weight === 0);
  const value = found && serves ? saidValue(server, found.weight) : undefined;
  for (const check of server.checks) draft.checks.push({ check, up: serves, value });
  const note = { service: serviceKey(service), destination: destinationKey(wanted) };
  if (serves) draft.serving++;
  else if (server.checks.length > 0) draft.down.push(note);
  if (found === undefined) return 0;
  const asWritten = serves
    ? value === undefined
      ? wanted
      : { ...wanted, weight: found.weight }
    : { ...wanted, weight: 0 };
  draft.owned.push({ key: ownershipKey(service, wanted), print: destinationPrint(asWritten) });
  if (!sameDestination(asWritten, found))
    draft.drift.push({ ...note, wanted: destinationText(asWritten), found: destinationText(found) });
  return serves ? (value === undefined ? server.weight : found.weight) : 0;
}

/** The sorry server tells it; where there is none, the weight, unless it lies in the hysteresis band. */
function quorumOf(
  config: VirtualServerConfig,
  weight: number,
  sorryServes: boolean | undefined,
): "up" | "down" | undefined {
  if (sorryServes === true) return "down";
  if (sorryServes === false && weight > 0) return "up";
  const least = nextQuorum(config, "down", weight);
  return least === nextQuorum(config, "up", weight) ? least : undefined;
}

/** What misc_dynamic must have said (keepalived.conf(5): the weight is the exit status less 2), where only one check sets weights. */
function saidValue({ checks, weight: configured }: RealServerConfig, weight: number): number | undefined {
  const dynamic = checks.filter((check) => check.type === "MISC_CHECK" && check.dynamic);
  const possible = dynamic.length === 1 && weight > 0 && weight <= 253 && weight !== configured;
  return possible ? weight + 2 : undefined;
}

function noteForeign(
  service: ServiceKey,
  { destinations }: ServiceEntry,
  named: ReadonlySet<DestinationKey> | undefined,
  draft: Draft,
): void {
  if (named === undefined) draft.foreign.push({ service });
  else
    for (const destination of destinations.keys())
      if (!named.has(destination)) draft.foreign.push({ service, destination });
}

/** As it would be written. */
function destinationOf(config: VirtualServerConfig, service: Service, member: PoolMember): Destination {
  const steps = entryInSteps(config, [member], undefined, service);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done !== true) continue;
    const [destination] = step.value.destinations.values();
    if (destination === undefined) throw new RangeError("a pool of one has one destination");
    return destination;
  }
}
