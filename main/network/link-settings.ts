import { readFile, writeFile } from "node:fs/promises";
import type { Config } from "../config/model.js";
import { errnoName } from "../errors.js";
import type { Log } from "../observe/log.js";
import type { LinkWish } from "./virtual-link-plan.js";

/** Files below /proc/sys/net. */
export interface Sysctls {
  /** Undefined when there is no such setting (now). */
  read(path: string): Promise<string | undefined>;
  /** @returns the name of the error, undefined when it is done */
  write(path: string, value: string): Promise<string | undefined>;
}

export const procSysctls: Sysctls = {
  read: (path) =>
    readFile(`/proc/sys/net/${path}`, "latin1").then(
      (text) => text.trim(),
      () => undefined,
    ),
  write: (path, value) =>
    writeFile(`/proc/sys/net/${path}`, value).then(
      () => undefined,
      (error: unknown) => errnoName(error) ?? "unknown error",
    ),
};

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
  for (const { interface: name, extras } of config.vrrpInstances)
    if (extras.promoteSecondaries && name !== "") wanted.set(`ipv4/conf/${name}/promote_secondaries`, "1");
  return wanted;
}

/** An ipvlan has the MAC address of its base: it does not matter which of them answers ARP. */
export const isVmac4 = ({ family, kind }: LinkWish): boolean => family === "inet" && kind.is === "macvlan";

/** Settings of interfaces, and how they were before: they are put back when nobody wants them any more. */
export class LinkSettings {
  readonly #sysctls: Sysctls;
  readonly #log: Log;
  #wanted: ReadonlyMap<string, string> = new Map();
  /** By path: how it was, and what we made of it. */
  readonly #changed = new Map<string, { readonly before: string; readonly value: string }>();

  constructor(log: Log, sysctls: Sysctls = procSysctls) {
    this.#log = log;
    this.#sysctls = sysctls;
  }

  async apply(wanted: ReadonlyMap<string, string>): Promise<void> {
    this.#wanted = wanted;
    for (const path of [...this.#changed.keys()]) if (!wanted.has(path)) await this.#restore(path);
    for (const [path, value] of wanted) await this.#set(path, value);
  }

  /** An interface came back with the kernel's own settings. */
  async applyAgain(): Promise<void> {
    for (const [path, value] of this.#wanted) await this.#set(path, value);
  }

  async restoreAll(): Promise<void> {
    this.#wanted = new Map();
    for (const path of [...this.#changed.keys()].toReversed()) await this.#restore(path);
  }

  async #set(path: string, value: string): Promise<void> {
    const now = await this.#sysctls.read(path);
    if (now === undefined || now === value) return;
    if (!(await this.#write(path, value))) return;
    const before = this.#changed.get(path)?.before ?? now;
    this.#changed.set(path, { before, value });
  }

  /** What somebody changed since is left as it is. */
  async #restore(path: string): Promise<void> {
    const changed = this.#changed.get(path);
    this.#changed.delete(path);
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
  sysctls: Sysctls,
): Promise<ReadonlyMap<string, string>> {
  const all = await sysctls.read(RP_FILTER_ALL);
  if (all === undefined || all === "0") return new Map();
  const raised = new Map<string, string>();
  for (const name of ["default", ...names]) {
    const path = `ipv4/conf/${name}/rp_filter`;
    const own = await sysctls.read(path);
    if (own !== undefined && Number(own) < Number(all)) raised.set(path, all);
  }
  raised.set(RP_FILTER_ALL, "0");
  return raised;
}

const RP_FILTER_ALL = "ipv4/conf/all/rp_filter";
