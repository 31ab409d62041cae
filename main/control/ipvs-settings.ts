import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import { DaemonError } from "../errors.js";
import type { SettingsBackend } from "../ipvs/settings-backend.js";
import { MemorySettings } from "../ipvs/settings-in-memory.js";
import { KernelSettings } from "../ipvs/settings-kernel.js";
import type { SettingsMemory } from "../ipvs/settings-memory.js";
import { SyncKeeper } from "../ipvs/sync-keeper.js";
import { TimeoutKeeper } from "../ipvs/timeout-keeper.js";
import { timeoutKinds, wantsTimeouts } from "../ipvs/timeouts.js";
import type { OpenSocket } from "../netlink/connection.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import { ipvsSocketOptions } from "./ipvs-socket.js";
import { syncDaemonOf, syncDaemonsFor, wantedTimeouts } from "./ipvs-wish.js";
import type { IpvsChoice, Options } from "./options.js";

export interface IpvsSettingsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: SettingsMemory;
  readonly ipvs: IpvsChoice;
  readonly daemons: Options["daemons"];
  /** State of a virtual router; undefined: it does not run. */
  readonly stateOf: (instance: string) => string | undefined;
}

/** A kernel without IPVS may get it. */
const LOOK_AGAIN = ms(30_000);

interface Keepers {
  readonly backend: SettingsBackend;
  readonly sync: SyncKeeper;
  readonly timeouts: TimeoutKeeper;
}

/** What IPVS has besides its table: sync daemons, which may follow a virtual router, and timeouts. Nothing is opened before it is asked for. */
export class IpvsSettings {
  readonly #deps: IpvsSettingsDeps;
  #config: Config | undefined;
  #keepers: Keepers | undefined;
  /** One thing at a time: a stop may come while the kernel is still asked for its IPVS. */
  #work: Promise<void> = Promise.resolve();
  #lookingAgain: Disposable | undefined;
  #phase: "running" | "leaving" = "running";

  constructor(deps: IpvsSettingsDeps) {
    this.#deps = deps;
  }

  /** At the start and at reloads. What a daemon before this one has left is taken over, or taken away. */
  apply(config: Config): Promise<void> {
    this.#config = config;
    this.#work = this.#work.then(() => this.#apply(config));
    return this.#work;
  }

  /** The kernel's IPVS is another one than before: it is opened anew, and gets what is wanted. */
  reopen(): Promise<void> {
    this.#work = this.#work.then(async () => {
      const [keepers, config] = [this.#keepers, this.#config];
      if (keepers === undefined || config === undefined || this.#phase === "leaving") return;
      await keepers.sync.stop(false);
      keepers.backend[Symbol.dispose]();
      this.#keepers = undefined;
      await this.#apply(config);
    });
    return this.#work;
  }

  /** A virtual router changed its state. */
  onTransition(instance: string): void {
    const [keepers, config] = [this.#keepers, this.#config];
    if (keepers === undefined || config === undefined || this.#phase === "leaving") return;
    if (syncDaemonOf(config)?.instance === instance) keepers.sync.changed();
  }

  /** From now on transitions count no more: instances are being stopped. */
  leave(): void {
    this.#phase = "leaving";
    this.#lookingAgain?.[Symbol.dispose]();
  }

  /** With `release` sync daemons end and timeouts are as they were before us. */
  stop(release: boolean): Promise<void> {
    this.leave();
    this.#work = this.#work.then(() => this.#end(release));
    return this.#work;
  }

  async #end(release: boolean): Promise<void> {
    if (this.#keepers === undefined) return;
    const { backend, sync, timeouts } = this.#keepers;
    await sync.stop(release);
    if (release) await timeouts.restore();
    backend[Symbol.dispose]();
  }

  async #apply(config: Config): Promise<void> {
    if (this.#phase === "leaving") return;
    if (this.#keepers === undefined && this.#isNeeded(config)) this.#keepers = await this.#open();
    this.#keepers?.sync.changed();
    await this.#keepers?.timeouts.apply(this.#timeouts(config));
  }

  /** Who runs VRRP only has daemons that follow an instance, and no others. */
  #syncDaemons(): ReturnType<typeof syncDaemonsFor> {
    const wanted = this.#config && syncDaemonOf(this.#config);
    const runs = wanted?.instance !== undefined || this.#deps.daemons.checker;
    return runs ? syncDaemonsFor(wanted, this.#deps.stateOf) : [];
  }

  #timeouts({ global }: Config): ReturnType<typeof wantedTimeouts> {
    return this.#deps.daemons.checker ? wantedTimeouts(global.lvs.timeouts) : noTimeouts;
  }

  #isNeeded(config: Config): boolean {
    const { memory } = this.#deps;
    const left = ["sync master", "sync backup", ...timeoutKinds.map((kind) => `timeout ${kind}`)];
    if (left.some((name) => memory.get(name) !== undefined)) return true;
    return syncDaemonOf(config) !== undefined || wantsTimeouts(this.#timeouts(config));
  }

  #openSocket(): OpenSocket | undefined {
    return this.#config === undefined ? undefined : ipvsSocketOptions(this.#config).openSocket;
  }

  async #open(): Promise<Keepers | undefined> {
    const { clock, log, memory, ipvs } = this.#deps;
    try {
      const backend =
        ipvs === "memory" ? new MemorySettings() : await KernelSettings.open(undefined, this.#openSocket());
      const watches = (): boolean => this.#config?.global.lvsReconcile !== "off";
      const sync = new SyncKeeper({ backend, clock, log, memory, wanted: () => this.#syncDaemons(), watches });
      return { backend, sync, timeouts: new TimeoutKeeper(backend, memory, log) };
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      if (this.#lookingAgain === undefined) {
        const sentence = `lvs_sync_daemon and lvs_timeouts have no effect: ${error.message}; looking again every 30 s`;
        log("error", "ipvs.settings-missing", sentence, { code: error.code });
      }
      this.#lookingAgain?.[Symbol.dispose](); // a reload has looked too
      this.#lookingAgain = clock.after(LOOK_AGAIN, () => this.#tryAgain());
      return undefined;
    }
  }

  #tryAgain(): void {
    if (this.#config !== undefined && this.#phase === "running") void this.apply(this.#config);
  }
}

const noTimeouts = { tcp: undefined, tcpFin: undefined, udp: undefined };
