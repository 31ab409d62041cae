import { closeSync, openSync, readSync } from "node:fs";
import { DaemonError } from "../errors.js";
import type { OpenSocket } from "../netlink/connection.js";
import { genericHeader } from "../netlink/generic.js";
import type { MessageWriter } from "../netlink/writer.js";
import type { Dump, IpvsBackend, Standing } from "./backend.js";
import {
  type DestinationCounters,
  decodeDestinationCounters,
  decodeServiceCounters,
  type ServiceCounters,
} from "./counters.js";
import { decodeDestination, decodeService, tellsOfTunnels } from "./decode.js";
import { encodeGetDestinations, encodeGetServices, operationBody } from "./encode.js";
import { type IpvsFamily, openFamily } from "./family.js";
import { engineModule, kernelModules, type ModuleLoader, schedulerModule } from "./kernel-modules.js";
import { identityOfFile } from "./namespace.js";
import type { Operation, OperationVerdict } from "./operation.js";
import type { Destination, Service, ServiceId } from "./table.js";
import { TunnelSupport } from "./tunnel-support.js";
import { commands, IPVS_GENL_VERSION } from "./wire.js";

/** Each service holds a reference to the module (ip_vs_ctl.c ip_vs_use_count_inc). Absent when IPVS is built in. */
const REFERENCE_COUNT = "/sys/module/ip_vs/refcnt";
/** What generic netlink says to a family that it does not have (genl_rcv_msg of net/netlink/genetlink.c); no dump of IPVS ends so. */
const ENOENT = 2;

export interface KernelBackendOptions {
  readonly modules?: ModuleLoader;
  /** What opens the netlink socket; tests bring a kernel of their own. */
  readonly openSocket?: OpenSocket;
  /** lvs_netlink_cmd_rcv_bufs */
  readonly receiveBufferBytes?: number;
  /** File of the network namespace in which `openSocket` opens; absent: that of this process. */
  readonly namespacePath?: string;
  /** A file that has the number of services; default: the module's. */
  readonly countPath?: string;
}

/** IPVS of the network namespace in which `open` was called, by generic netlink. */
export class KernelBackend implements IpvsBackend {
  readonly name = "kernel";
  readonly #modules: ModuleLoader;
  readonly #openSocket: OpenSocket | undefined;
  readonly #receiveBufferBytes: number | undefined;
  readonly #namespacePath: string | undefined;
  readonly #countPath: string;
  readonly #loadedModules = new Set<string>();
  #opened: IpvsFamily | undefined;
  #countFd: number | undefined;
  /** Of the namespace's file, when it was opened. */
  #identity: string | undefined;
  #unloaded: boolean = false;
  readonly #tunnels = new TunnelSupport({
    send: (operations) => {
      const { connection, family } = this.#connected();
      return connection.batchOf(family, operations, operationBody);
    },
    tellsOfTunnels: (service) => this.#tellsOfTunnels(service),
  });

  constructor(options: KernelBackendOptions = {}) {
    this.#modules = options.modules ?? kernelModules;
    this.#openSocket = options.openSocket;
    this.#receiveBufferBytes = options.receiveBufferBytes;
    this.#namespacePath = options.namespacePath;
    this.#countPath = options.countPath ?? REFERENCE_COUNT;
  }

  async open(): Promise<void> {
    const identity = this.#namespacePath && (await identityOfFile(this.#namespacePath)); // before: it may change meanwhile
    const opened = await openFamily(this.#modules, this.#openSocket, this.#receiveBufferBytes);
    this.close();
    this.#opened = opened;
    this.#identity = identity;
    this.#unloaded = false;
    this.#loadedModules.clear();
    this.#countFd = openIfPresent(this.#countPath);
  }

  async standing(): Promise<Standing> {
    if (this.#unloaded) return "unloaded";
    if (this.#namespacePath === undefined) return "good";
    const identity = await identityOfFile(this.#namespacePath);
    if (identity === undefined) return "nameless";
    return identity === this.#identity ? "good" : "moved";
  }

  dumpServices(): Promise<Dump<Service>> {
    return this.#dump(encodeGetServices, decodeService);
  }

  dumpDestinations(service: ServiceId): Promise<Dump<Destination>> {
    return this.#dump(
      (writer) => encodeGetDestinations(writer, service),
      (payload) => decodeDestination(payload, service.family),
    );
  }

  dumpServiceCounters(): Promise<Dump<ServiceCounters>> {
    return this.#dump(encodeGetServices, decodeServiceCounters);
  }

  dumpDestinationCounters(service: ServiceId): Promise<Dump<DestinationCounters>> {
    return this.#dump(
      (writer) => encodeGetDestinations(writer, service),
      (payload) => decodeDestinationCounters(payload, service.family),
    );
  }

  async apply(operations: readonly Operation[]): Promise<readonly OperationVerdict[]> {
    this.#connected();
    const missing = this.#newModules(operations);
    if (missing.length > 0) await Promise.all(missing.map((name) => this.#modules.load(name)));
    return this.#tunnels.apply(operations);
  }

  async #tellsOfTunnels(service: ServiceId): Promise<boolean | undefined> {
    const { connection, family } = this.#connected();
    const { verdict, parts } = await connection.dump(family, (writer) => encodeGetDestinations(writer, service));
    const [first] = parts.filter(({ type }) => type === family);
    return verdict.errno !== 0 || first === undefined ? undefined : tellsOfTunnels(first.payload);
  }

  async flush(): Promise<OperationVerdict> {
    const { connection, family: type } = this.#connected();
    const encode = (writer: MessageWriter): void => genericHeader(writer, commands.flush, IPVS_GENL_VERSION);
    return (await connection.query({ type, encode })).verdict;
  }

  serviceCountHint(): number | undefined {
    if (this.#countFd === undefined) return undefined;
    const text = Buffer.alloc(16); // sysfs renders the file anew for each read from its beginning
    try {
      const read = readSync(this.#countFd, text, 0, text.length, 0);
      return Number.parseInt(text.toString("latin1", 0, read), 10);
    } catch {
      this.#closeCount(); // ENODEV: the file's module is gone
      this.#unloaded = true;
      return undefined;
    }
  }

  close(): void {
    this.#opened?.connection.close();
    this.#opened = undefined;
    this.#closeCount();
  }

  #closeCount(): void {
    if (this.#countFd !== undefined) closeSync(this.#countFd);
    this.#countFd = undefined;
  }

  #connected(): IpvsFamily {
    if (this.#opened === undefined)
      throw new DaemonError("E_NETLINK", "IPVS was used before it was opened, or after it was closed");
    return this.#opened;
  }

  #newModules(operations: readonly Operation[]): string[] {
    const modules: string[] = [];
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i];
      if (operation?.do !== "new-service" && operation?.do !== "set-service") continue;
      const { scheduler, persistenceEngine } = operation.service;
      this.#need(schedulerModule(scheduler), modules);
      if (persistenceEngine !== "") this.#need(engineModule(persistenceEngine), modules);
    }
    return modules;
  }

  /** Once each: what a module does not bring, asking again does not bring either. */
  #need(module: string | undefined, modules: string[]): void {
    if (module === undefined || this.#loadedModules.has(module)) return;
    this.#loadedModules.add(module);
    modules.push(module);
  }

  /** Decodes part by part, as the parts come. What cannot be decoded makes the reading unreliable, not the daemon fail. */
  async #dump<T>(
    encode: (writer: MessageWriter) => void,
    decode: (payload: Buffer) => T | undefined,
  ): Promise<Dump<T>> {
    const { connection, family } = this.#connected();
    const entries: T[] = [];
    let torn: string | undefined;
    const { verdict, interrupted } = await connection.dumpEach(family, encode, (part) => {
      if (part.type !== family) return;
      try {
        const entry = decode(part.payload);
        if (entry !== undefined) entries.push(entry);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        torn = error.message;
      }
    });
    if (torn !== undefined) return { kind: "unreliable", why: torn };
    if (verdict.errno === ENOENT) {
      this.#unloaded = true;
      return { kind: "unreliable", why: "the kernel has no IPVS any more" };
    }
    if (verdict.errno !== 0)
      return { kind: "unreliable", why: `the dump ended with errno ${verdict.errno} ${verdict.reason}` };
    return interrupted ? { kind: "unreliable", why: "the table changed meanwhile" } : { kind: "complete", entries };
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined; // built in, or no sysfs: the services are then dumped instead
  }
}
