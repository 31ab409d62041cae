import type { OpenSocket } from "../netlink/connection.js";
import { type IpvsFamily, openFamily } from "./family.js";
import type { ModuleLoader } from "./kernel-modules.js";
import type { OperationVerdict } from "./operation.js";
import type { Reading, SettingsBackend } from "./settings-backend.js";
import {
  decodeDaemon,
  decodeTimeouts,
  encodeGetDaemons,
  encodeGetTimeouts,
  encodeSetTimeouts,
  encodeSyncStep,
} from "./settings-codec.js";
import type { SyncDaemon, SyncStep } from "./sync-daemon.js";
import type { Timeouts } from "./timeouts.js";

export class KernelSettings implements SettingsBackend {
  readonly #ipvs: IpvsFamily;

  private constructor(ipvs: IpvsFamily) {
    this.#ipvs = ipvs;
  }

  /** @throws DaemonError E_IPVS_MISSING, E_PRIVILEGE or E_NETLINK */
  static async open(modules?: ModuleLoader, openSocket?: OpenSocket): Promise<KernelSettings> {
    return new KernelSettings(await openFamily(modules, openSocket));
  }

  async daemons(): Promise<Reading<readonly SyncDaemon[]>> {
    const { connection, family } = this.#ipvs;
    const { verdict, parts } = await connection.dump(family, encodeGetDaemons);
    if (verdict.errno !== 0) return refused(verdict);
    return parsed(() => parts.map(({ payload }) => decodeDaemon(payload)).filter((daemon) => daemon !== undefined));
  }

  apply(step: SyncStep): Promise<OperationVerdict> {
    return this.#ask((writer) => encodeSyncStep(writer, step));
  }

  async timeouts(): Promise<Reading<Timeouts>> {
    const { connection, family: type } = this.#ipvs;
    const { verdict, parts } = await connection.query({ type, encode: encodeGetTimeouts });
    const [part] = parts;
    if (verdict.errno !== 0 || part === undefined) return refused(verdict);
    return parsed(() => decodeTimeouts(part.payload));
  }

  setTimeouts(timeouts: Timeouts): Promise<OperationVerdict> {
    return this.#ask((writer) => encodeSetTimeouts(writer, timeouts));
  }

  [Symbol.dispose](): void {
    this.#ipvs.connection.close();
  }

  async #ask(encode: Parameters<IpvsFamily["connection"]["query"]>[0]["encode"]): Promise<OperationVerdict> {
    const { connection, family: type } = this.#ipvs;
    return (await connection.query({ type, encode })).verdict;
  }
}

const refused = ({ errno, reason }: OperationVerdict): Reading<never> => ({
  kind: "unread",
  why: `errno ${errno} ${reason}`.trimEnd(),
});

function parsed<T>(read: () => T): Reading<T> {
  try {
    return { kind: "read", value: read() };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: "unread", why: error.message };
  }
}
