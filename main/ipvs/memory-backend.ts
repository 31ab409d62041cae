import { unreachable } from "../unreachable.js";
import type { Dump, IpvsBackend, Standing } from "./backend.js";
import { type DestinationCounters, noTraffic, type ServiceCounters } from "./counters.js";
import { EEXIST, ENOENT, ESRCH, type Operation, type OperationVerdict } from "./operation.js";
import {
  type Destination,
  type DestinationKey,
  destinationKey,
  type Service,
  type ServiceId,
  type ServiceKey,
  serviceKey,
} from "./table.js";

const EINVAL = 22;
const ERANGE = 34;

/** Schedulers that Linux 6.1 has. */
const kernelSchedulers = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh twos".split(" ");

interface Entry {
  service: Service;
  readonly destinations: Map<DestinationKey, Destination>;
}

export interface MemoryOptions {
  readonly schedulers?: readonly string[];
  /** Overrides the verdict of an operation with an errno, which then changes nothing: for tests. */
  readonly refuse?: (operation: Operation) => number | undefined;
  readonly onApply?: (operations: readonly Operation[]) => void;
}

/**
 * IPVS without a kernel: the same contract, the same verdicts (net/netfilter/ipvs/ip_vs_ctl.c), no packets. For machines
 * without IPVS, where everything else is to run, and for tests.
 */
export class MemoryBackend implements IpvsBackend {
  readonly name = "memory";
  readonly #table = new Map<ServiceKey, Entry>();
  readonly #schedulers: ReadonlySet<string>;
  readonly #options: MemoryOptions;

  constructor(options: MemoryOptions = {}) {
    this.#schedulers = new Set(options.schedulers ?? kernelSchedulers);
    this.#options = options;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  standing(): Promise<Standing> {
    return Promise.resolve("good");
  }

  dumpServices(): Promise<Dump<Service>> {
    return nextTurn({ kind: "complete", entries: [...this.#table.values()].map((entry) => entry.service) });
  }

  dumpDestinations(service: ServiceId): Promise<Dump<Destination>> {
    const entry = this.#table.get(serviceKey(service));
    return nextTurn({ kind: "complete", entries: [...(entry?.destinations.values() ?? [])] });
  }

  dumpServiceCounters(): Promise<Dump<ServiceCounters>> {
    return nextTurn({ kind: "complete", entries: [...this.#table.keys()].map((key) => ({ key, ...noTraffic() })) });
  }

  dumpDestinationCounters(service: ServiceId): Promise<Dump<DestinationCounters>> {
    const none = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, ...noTraffic() };
    const destinations = this.#table.get(serviceKey(service))?.destinations ?? [];
    const entries = [...destinations].map(([key, { weight }]) => ({ key, weight, ...none }));
    return nextTurn({ kind: "complete", entries });
  }

  apply(operations: readonly Operation[]): Promise<readonly OperationVerdict[]> {
    this.#options.onApply?.(operations);
    return nextTurn(
      operations.map((operation) => ({
        errno: this.#options.refuse?.(operation) ?? this.#applyOne(operation),
        reason: "",
      })),
    );
  }

  flush(): Promise<OperationVerdict> {
    this.#table.clear();
    return nextTurn({ errno: 0, reason: "" });
  }

  serviceCountHint(): number {
    return this.#table.size;
  }

  close(): void {
    this.#table.clear();
  }

  #applyOne(operation: Operation): number {
    const entry = this.#table.get(serviceKey(operation.service));
    switch (operation.do) {
      case "new-service":
      case "set-service":
        return this.#writeService(entry, operation.service, operation.do === "set-service");
      case "del-service":
        return this.#table.delete(serviceKey(operation.service)) ? 0 : ESRCH;
      case "new-dest":
      case "set-dest":
        return entry === undefined
          ? ESRCH
          : writeDestination(entry, operation.destination, operation.do === "set-dest");
      case "del-dest":
        if (entry === undefined) return ESRCH;
        return entry.destinations.delete(destinationKey(operation.destination)) ? 0 : ENOENT;
      default:
        return unreachable(operation);
    }
  }

  #writeService(existing: Entry | undefined, service: Service, edit: boolean): number {
    if (existing === undefined && edit) return ESRCH;
    if (existing !== undefined && !edit) return EEXIST;
    const errno = this.#check(service);
    if (errno !== 0) return errno;
    if (existing === undefined) this.#table.set(serviceKey(service), { service, destinations: new Map() });
    else existing.service = service;
    return 0;
  }

  #check({ scheduler, family, netmask }: Service): number {
    if (!this.#schedulers.has(scheduler)) return ENOENT;
    return family === "inet6" && (netmask < 1 || netmask > 128) ? EINVAL : 0;
  }
}

function writeDestination(entry: Entry, destination: Destination, edit: boolean): number {
  const key = destinationKey(destination);
  const mixed = destination.family !== entry.service.family;
  if (mixed && destination.forwarding !== "TUN") return EINVAL;
  if (destination.weight < 0 || destination.lowerThreshold > destination.upperThreshold) return ERANGE;
  if (entry.destinations.has(key) !== edit) return edit ? ENOENT : EEXIST;
  entry.destinations.set(key, destination);
  return 0;
}

/** Answers come in a later turn of the loop, as the kernel's do. */
const nextTurn = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));
