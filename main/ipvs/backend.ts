import type { DestinationCounters, ServiceCounters } from "./counters.js";
import type { Operation, OperationVerdict } from "./operation.js";
import type { Destination, Service, ServiceId } from "./table.js";

/** A reading of a part of the table. `unreliable`: it changed meanwhile or could not be read; nothing follows from it. */
export type Dump<T> =
  | { readonly kind: "complete"; readonly entries: readonly T[] }
  | { readonly kind: "unreliable"; readonly why: string };

/**
 * Whether what was opened is still there. `unloaded`: IPVS itself is gone. `moved`: the network namespace of that name is another one.
 * `nameless`: no namespace has that name now; the one that was opened goes on as long as somebody is in it, and we are.
 */
export type Standing = "good" | "unloaded" | "moved" | "nameless";

/** Where services and destinations live: the kernel, or memory with the kernel's manners. One caller, IpvsWriter's subject. */
export interface IpvsBackend {
  readonly name: "kernel" | "memory";
  /**
   * Before anything else. Again: in place of what was open, which stays when this fails.
   * @throws DaemonError E_IPVS_MISSING, E_PRIVILEGE, E_NAMESPACE or E_NETLINK
   */
  open(): Promise<void>;
  standing(): Promise<Standing>;
  dumpServices(): Promise<Dump<Service>>;
  /** Empty also when there is no such service: the kernel does not tell. */
  dumpDestinations(service: ServiceId): Promise<Dump<Destination>>;
  /** The same two readings, of what the kernel counts. */
  dumpServiceCounters(): Promise<Dump<ServiceCounters>>;
  dumpDestinationCounters(service: ServiceId): Promise<Dump<DestinationCounters>>;
  /** In order, each on its own: one verdict per operation. They have been carried out when the promise resolves. */
  apply(operations: readonly Operation[]): Promise<readonly OperationVerdict[]>;
  /** Empties the table, entries of others included. Like `ipvsadm -C`. */
  flush(): Promise<OperationVerdict>;
  /**
   * A number that changes when services come or go and costs next to nothing to read, for whoever wants to know early that a
   * dump is worth its price. It says nothing by itself; undefined where there is none.
   */
  serviceCountHint(): number | undefined;
  close(): void;
}
