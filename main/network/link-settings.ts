import type { Config } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { LinkWish } from "./virtual-link-plan.js";

/** Files below /proc/sys/net. */
export interface Sysctls {
  /** Undefined when there is no such setting (now). */
  read(path: string): Promise<string | undefined>;
  /** @returns the name of the error, undefined when it is done */
  write(path: string, value: string): Promise<string | undefined>;
}

/**
 * Pure: what instances want of interfaces that are not theirs. An interface below a VMAC must not answer ARP for addresses
 * that are above it.
 */
export function wantedSettings(config: Config, wishes: readonly LinkWish[]): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const { base } of wishes.filter(isVmac4)) {
    wanted.set(`ipv4/conf/${base}/arp_ignore`, "1");
    wanted.set(`ipv4/conf/${base}/arp_filter`, "1");
  }
  if (config.global.instanceDefaults.disableLocalIgmp) wanted.set("ipv4/igmp_link_local_mcast_reports", "0");
  for (const { interface: name, extras } of config.vrrpInstances)
    if (extras.promoteSecondaries && name !== "") wanted.set(`ipv4/conf/${name}/promote_secondaries`, "1");
  return wanted;
}

/** An ipvlan has the MAC address of its base: it does not matter which of them answers ARP. */
export const isVmac4 = ({ family, kind }: LinkWish): boolean => family === "inet" && kind.is === "macvlan";

/** How a setting was, and what we made of it. */
export interface ChangedSetting {
  readonly before: string;
  readonly value: string;
}

/** Keeps what settings were before, so that the daemon after a crash knows: it finds what this one made of them. */
export interface SettingsMemory {
  changedSettings(): Iterable<readonly [path: string, changed: ChangedSetting]>;
  rememberSetting(path: string, changed: ChangedSetting): void;
  forgetSetting(path: string): void;
}

/** Settings of interfaces, and how they were before: they are put back when nobody wants them any more. */
export class LinkSettings {
  readonly #sysctls: Sysctls;
  readonly #log: Log;
  readonly #memory: SettingsMemory | undefined;
  #wanted: ReadonlyMap<string, string> = new Map();
  /** By path. */
  readonly #changed: Map<string, ChangedSetting>;
  /** One order after the other: what one reads another would be about to write. */
  #work: Promise<void> = Promise.resolve();

  constructor(log: Log, sysctls: Sysctls, memory?: SettingsMemory) {
    this.#log = log;
    this.#sysctls = sysctls;
    this.#memory = memory;
    this.#changed = new Map(memory?.changedSettings());
  }

  apply(wanted: ReadonlyMap<string, string>): Promise<void> {
    this.#wanted = wanted;
    return this.#inTurn(async () => {
      for (const path of [...this.#changed.keys()]) if (!wanted.has(path)) await this.#restore(path);
      for (const [path, value] of wanted) await this.#set(path, value);
    });
  }

  /** An interface came back with the kernel's own settings. */
  applyAgain(): Promise<void> {
    return this.#inTurn(async () => {
      const wanted = this.#wanted;
      for (const [path, value] of wanted) if (wanted === this.#wanted) await this.#set(path, value);
    });
  }

  restoreAll(): Promise<void> {
    this.#wanted = new Map();
    return this.#inTurn(async () => {
      for (const path of [...this.#changed.keys()].toReversed()) await this.#restore(path);
    });
  }

  /** As it was before us: what we, or a daemon before this one, made of it does not count. */
  async original(path: string): Promise<string | undefined> {
    const now = await this.#sysctls.read(path);
    const changed = this.#changed.get(path);
    return changed !== undefined && changed.value === now ? changed.before : now;
  }

  #inTurn(order: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(order);
    return this.#work;
  }

  async #set(path: string, value: string): Promise<void> {
    const now = await this.#sysctls.read(path);
    if (now === undefined || now === value) return;
    if (!(await this.#write(path, value))) return;
    const before = this.#changed.get(path)?.before ?? now;
    this.#changed.set(path, { before, value });
    this.#memory?.rememberSetting(path, { before, value });
  }

  /** What somebody changed since is left as it is. */
  async #restore(path: string): Promise<void> {
    const changed = this.#changed.get(path);
    this.#changed.delete(path);
    this.#memory?.forgetSetting(path);
    if (changed !== undefined && (await this.#sysctls.read(path)) === changed.value)
      await this.#write(path, changed.before);
  }

  async #write(path: string, value: string): Promise<boolean> {
    const error = await this.#sysctls.write(path, value);
    if (error === undefined) return true;
    const sentence = `cannot set net.${path.replaceAll("/", ".")} to ${value}: ${error}: the daemon needs write access to /proc/sys/net, which containers often lack; set it beforehand`;
    this.#log("error", "network.sysctl-failed", sentence, { path, value });
    return false;
  }
}

/**
 * The strictest of net.ipv4.conf.all.rp_filter and an interface's own counts, so a VMAC can only be free of the filter when
 * `all` is 0. Then every other interface gets what `all` was.
 */
export async function freeOfReversePathFilter(
  names: readonly string[],
  original: (path: string) => Promise<string | undefined>,
): Promise<ReadonlyMap<string, string>> {
  const all = await original(RP_FILTER_ALL);
  if (all === undefined || all === "0") return new Map();
  const raised = new Map<string, string>();
  for (const name of ["default", ...names]) {
    const path = `ipv4/conf/${name}/rp_filter`;
    const own = await original(path);
    if (own !== undefined && Number(own) < Number(all)) raised.set(path, all);
  }
  raised.set(RP_FILTER_ALL, "0");
  return raised;
}

const RP_FILTER_ALL = "ipv4/conf/all/rp_filter";
