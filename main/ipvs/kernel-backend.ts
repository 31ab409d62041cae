import { closeSync, openSync, readSync } from "node:fs";
import { NETLINK_GENERIC } from "../../native-bindings/netlink.js";
import { DaemonError, errnoName } from "../errors.js";
import { NetlinkConnection, type OpenSocket } from "../netlink/connection.js";
import { familyId, familyRequest } from "../netlink/generic.js";
import type { Verdict } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import type { Dump, IpvsBackend } from "./backend.js";
import { decodeDestination, decodeService } from "./decode.js";
import { encodeGetDestinations, encodeGetInfo, encodeGetServices, operationBody } from "./encode.js";
import { kernelModules, type ModuleLoader, schedulerModule } from "./kernel-modules.js";
import type { Operation, OperationVerdict } from "./operation.js";
import type { Destination, Service, ServiceId } from "./table.js";
import { IPVS_GENL_NAME } from "./wire.js";

const EPERM = 1;
const ENOENT = 2;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** Each service holds a reference to the module (ip_vs_ctl.c ip_vs_use_count_inc). Absent when IPVS is built in. */
const REFERENCE_COUNT = "/sys/module/ip_vs/refcnt";

export interface KernelBackendOptions {
  readonly modules?: ModuleLoader;
  /** What opens the netlink socket; tests bring a kernel of their own. */
  readonly openSocket?: OpenSocket;
}

/** IPVS of the network namespace in which `open` was called, by generic netlink. */
export class KernelBackend implements IpvsBackend {
  readonly name = "kernel";
  readonly #modules: ModuleLoader;
  readonly #openSocket: OpenSocket | undefined;
  readonly #loadedSchedulers = new Set<string>();
  #opened: { readonly connection: NetlinkConnection; readonly family: number } | undefined;
  #countFd: number | undefined;

  constructor(options: KernelBackendOptions = {}) {
    this.#modules = options.modules ?? kernelModules;
    this.#openSocket = options.openSocket;
  }

  async open(): Promise<void> {
    if (!this.#modules.hasIpvs()) await this.#modules.load("ip_vs");
    const connection = this.#connect();
    try {
      const family = await resolveFamily(connection);
      await probe(connection, family);
      this.#opened = { connection, family };
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#countFd = openIfPresent(REFERENCE_COUNT);
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

  async apply(operations: readonly Operation[]): Promise<readonly OperationVerdict[]> {
    const { connection, family } = this.#connected();
    const missing = this.#newSchedulers(operations);
    if (missing.length > 0) await Promise.all(missing.map((name) => this.#modules.load(name)));
    return connection.batchOf(family, operations, operationBody);
  }

  serviceCountHint(): number | undefined {
    if (this.#countFd === undefined) return undefined;
    const text = Buffer.alloc(16); // sysfs renders the file anew for each read from its beginning
    const read = readSync(this.#countFd, text, 0, text.length, 0);
    return Number.parseInt(text.toString("latin1", 0, read), 10);
  }

  close(): void {
    this.#opened?.connection.close();
    this.#opened = undefined;
    if (this.#countFd !== undefined) closeSync(this.#countFd);
    this.#countFd = undefined;
  }

  #connected(): { readonly connection: NetlinkConnection; readonly family: number } {
    if (this.#opened === undefined)
      throw new DaemonError("E_NETLINK", "IPVS was used before it was opened, or after it was closed");
    return this.#opened;
  }

  #connect(): NetlinkConnection {
    try {
      return new NetlinkConnection(NETLINK_GENERIC, {}, RECEIVE_BUFFER_BYTES, this.#openSocket);
    } catch (cause) {
      const why = errnoName(cause) ?? String(cause);
      throw new DaemonError("E_NETLINK", `cannot open a generic netlink socket for IPVS: ${why}`, { cause });
    }
  }

  #newSchedulers(operations: readonly Operation[]): string[] {
    const modules: string[] = [];
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i];
      if (operation?.do !== "new-service" && operation?.do !== "set-service") continue;
      const { scheduler } = operation.service;
      if (this.#loadedSchedulers.has(scheduler)) continue;
      this.#loadedSchedulers.add(scheduler);
      const module = schedulerModule(scheduler);
      if (module !== undefined) modules.push(module);
    }
    return modules;
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
    if (verdict.errno !== 0)
      return { kind: "unreliable", why: `the dump ended with errno ${verdict.errno} ${verdict.reason}` };
    return interrupted ? { kind: "unreliable", why: "the table changed meanwhile" } : { kind: "complete", entries };
  }
}

async function resolveFamily(connection: NetlinkConnection): Promise<number> {
  const { verdict, parts } = await connection.query(familyRequest(IPVS_GENL_NAME));
  if (verdict.errno === ENOENT)
    throw new DaemonError(
      "E_IPVS_MISSING",
      "the kernel has no IPVS and `modprobe ip_vs` did not bring it: install the module of this kernel or start with --ipvs memory",
    );
  const family = parts.map((part) => familyId(part.payload)).find((id) => id !== undefined);
  if (verdict.errno !== 0 || family === undefined) throw refused("the number of generic netlink family IPVS", verdict);
  return family;
}

/** GET_INFO changes nothing and needs the same privilege as all the rest. */
async function probe(connection: NetlinkConnection, family: number): Promise<void> {
  const { verdict } = await connection.query({ type: family, encode: encodeGetInfo });
  if (verdict.errno === EPERM)
    throw new DaemonError(
      "E_PRIVILEGE",
      "IPVS cannot be changed without CAP_NET_ADMIN: start as root or grant the capability",
    );
  if (verdict.errno !== 0) throw refused("IPVS_CMD_GET_INFO", verdict);
}

const refused = (what: string, { errno, reason }: Verdict): DaemonError =>
  new DaemonError("E_NETLINK", `the kernel refused to tell ${what}: errno ${errno} ${reason}`.trimEnd());

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined; // built in, or no sysfs: the services are then dumped instead
  }
}
