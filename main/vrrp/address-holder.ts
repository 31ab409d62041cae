import type { Clock } from "../clock.js";
import type { VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { HostNetwork, InterfaceAddress } from "./ports.js";
import type { Verdicts } from "./verdicts.js";

/** A notification of our own deletion may come this long after it, even when the address has been added again since. */
const OWN_DELETION: Milliseconds = ms(1000);

export interface AddressHolderDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly verdicts: Verdicts;
  readonly log: Log;
}

/** Puts the virtual addresses of one instance on the host and takes them away. */
export class AddressHolder {
  readonly #deps: AddressHolderDeps;
  #config: VrrpInstanceConfig;
  /** Index of the interface that has it, by key: an interface that was renamed since is still found. */
  readonly #set = new Map<string, number>();
  readonly #deletedAt = new Map<string, Milliseconds>();

  constructor(config: VrrpInstanceConfig, deps: AddressHolderDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Like `ip addr add` for each address. In the kernel when this returns. */
  claim(): void {
    for (const address of all(this.#config)) this.#add(address);
  }

  /** Like `ip addr del` for each address that we hold. */
  release(): void {
    for (const address of all(this.#config).toReversed()) if (this.isSet(address)) this.#delete(address);
  }

  /** Like `ip addr del` for each address, there or not: what a daemon that died may have left. */
  forceRelease(heldByOthers: (key: string) => boolean): void {
    for (const address of all(this.#config)) if (!heldByOthers(this.key(address))) this.#delete(address);
  }

  /** Reload. While `holding`, the difference is applied. @returns the addresses that were added */
  reconfigure(config: VrrpInstanceConfig, holding: boolean): readonly VirtualAddress[] {
    const [before, oldConfig] = [all(this.#config), this.#config];
    const wanted = new Set(all(config).map((a) => identity(config, a)));
    for (const gone of before.filter((a) => !wanted.has(identity(oldConfig, a))))
      if (this.isSet(gone)) this.#delete(gone);
    const known = new Set(before.map((a) => identity(oldConfig, a)));
    this.#config = config;
    const added = all(config).filter((a) => !known.has(identity(config, a)));
    if (holding) for (const address of added) this.#add(address);
    return added;
  }

  isSet(address: VirtualAddress): boolean {
    return this.#set.has(this.key(address));
  }

  /** Interface and address: what can be on a host once. */
  key(address: VirtualAddress): string {
    return `${address.dev ?? this.#config.interface} ${address.address}/${address.prefix}`;
  }

  holds(key: string): boolean {
    return this.#set.has(key);
  }

  /**
   * An address vanished from the host. One that we deleted ourselves a moment ago is put back in silence. Any other still
   * counts as held, so that a release deletes it: the notice may be older than our own adding of the address.
   * @returns how to name the one that somebody else took from us
   */
  lost(gone: InterfaceAddress): string | undefined {
    const ours = all(this.#config).find(
      (a) =>
        a.address === gone.address && a.prefix === gone.prefix && this.#set.get(this.key(a)) === gone.interfaceIndex,
    );
    if (ours === undefined) return undefined;
    const deletedAt = this.#deletedAt.get(this.key(ours));
    if (deletedAt !== undefined && this.#deps.clock.now() - deletedAt < OWN_DELETION) {
      this.#add(ours);
      return undefined;
    }
    return `ip address ${ours.address}/${ours.prefix} dev ${ours.dev ?? this.#config.interface}`;
  }

  #linkIndex(address: VirtualAddress): number | undefined {
    return this.#deps.network.link(address.dev ?? this.#config.interface)?.index;
  }

  #add(address: VirtualAddress): void {
    const index = this.#linkIndex(address);
    if (index === undefined) {
      this.#reportMissing(address);
      return;
    }
    const key = this.key(address);
    this.#set.set(key, index);
    const settle = this.#deps.verdicts.expect();
    this.#deps.network.addAddress(index, address, (errno) => {
      settle();
      if (errno !== 0) this.#set.delete(key); // the network has said why
    });
  }

  #delete(address: VirtualAddress): void {
    const key = this.key(address);
    const index = this.#set.get(key) ?? this.#linkIndex(address);
    this.#set.delete(key);
    if (index === undefined) return; // never was there
    this.#deletedAt.set(key, this.#deps.clock.now());
    const settle = this.#deps.verdicts.expect();
    this.#deps.network.deleteAddress(index, address, settle);
  }

  #reportMissing(address: VirtualAddress): void {
    const dev = address.dev ?? this.#config.interface;
    const sentence = `(${this.#config.name}) cannot add address ${address.address}/${address.prefix} on ${dev}: there is no such interface - check the name after \`dev\``;
    this.#deps.log("error", "vrrp.address-failed", sentence, { instance: this.#config.name, address: address.address });
  }
}

const all = (config: VrrpInstanceConfig): readonly VirtualAddress[] => [
  ...config.virtualAddresses,
  ...config.excludedAddresses,
];

/** Two addresses with equal identity are the same entry in the kernel. */
const identity = (config: VrrpInstanceConfig, a: VirtualAddress): string =>
  [a.address, a.prefix, a.dev ?? config.interface, a.label, a.broadcast, a.scope].join(" ");
