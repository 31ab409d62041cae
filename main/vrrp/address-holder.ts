import type { IpAddress } from "../address.js";
import type { VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import { groupBy } from "../group-by.js";
import type { Log } from "../observe/log.js";
import type { OwnDeletions } from "./own-deletions.js";
import type { HostNetwork, InterfaceAddress } from "./ports.js";
import type { Repairs } from "./repairs.js";
import type { Verdicts } from "./verdicts.js";
import { vipInterface } from "./vip-interface.js";

export interface AddressHolderDeps {
  readonly network: HostNetwork;
  readonly deletions: OwnDeletions;
  readonly verdicts: Verdicts;
  readonly repairs: Repairs;
  readonly log: Log;
  /** Whatever goes is put back in silence: another daemon, which takes our place, has cleared the host for itself. */
  readonly keeps?: () => boolean;
}

/** What a reload made of the addresses. */
export interface AddressChange {
  readonly added: readonly VirtualAddress[];
  /** Some were deleted, be it to be added again with another label: with them the kernel drops routes that need them. */
  readonly deletes: boolean;
}

/** What is needed to know of whoever the addresses belong to. */
type Holding = Pick<VrrpInstanceConfig, "name" | "interface" | "virtualAddresses" | "excludedAddresses"> &
  Partial<Pick<VrrpInstanceConfig, "virtualInterface">>;

/** Puts the virtual addresses of one instance on the host and takes them away. */
export class AddressHolder {
  readonly #deps: AddressHolderDeps;
  #config: Holding;
  /** Index of the interface that has it, by key: an interface that was renamed since is still found. */
  readonly #set = new Map<string, number>();
  /** Ours by their octets, for events of addresses: thousands may come at once. Undefined: to be built again. */
  #byAddress: ReadonlyMap<IpAddress, readonly VirtualAddress[]> | undefined;

  constructor(config: Holding, deps: AddressHolderDeps) {
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

  /** Reload. While `holding`, the difference is applied. */
  reconfigure(config: Holding, holding: boolean): AddressChange {
    const [before, oldConfig] = [all(this.#config), this.#config];
    const wanted = new Set(all(config).map((a) => identity(config, a)));
    const gone = before.filter((a) => !wanted.has(identity(oldConfig, a)) && this.isSet(a));
    for (const one of gone) this.#delete(one);
    // With the first address of a subnet the kernel takes the others (without promote_secondaries): they are lost by our doing.
    if (gone.length > 0) for (const key of this.#set.keys()) this.#deps.deletions.note(key);
    const known = new Set(before.map((a) => identity(oldConfig, a)));
    this.#config = config;
    this.#byAddress = undefined;
    const added = all(config).filter((a) => !known.has(identity(config, a)));
    if (holding) for (const address of added) this.#add(address);
    return { added, deletes: gone.length > 0 };
  }

  /** Every address with the name of its interface. */
  placed(): readonly { readonly address: IpAddress; readonly on: string }[] {
    return all(this.#config).map(({ address, dev }) => ({ address, on: dev ?? vipInterface(this.#config) }));
  }

  isSet(address: VirtualAddress): boolean {
    return this.#set.has(this.key(address));
  }

  /** Interface and address: what can be on a host once. */
  key(address: VirtualAddress): string {
    return `${address.dev ?? vipInterface(this.#config)} ${address.address}/${address.prefix}`;
  }

  /** Keys of all, held or not. */
  names(): readonly string[] {
    return all(this.#config).map((address) => this.key(address));
  }

  holds(key: string): boolean {
    return this.#set.has(key);
  }

  /** Of all that is held. */
  keys(): Iterable<string> {
    return this.#set.keys();
  }

  /**
   * An address vanished from the host. One that went by our own doing a moment ago is put back in silence, one that is not
   * tracked with a word. Any other still counts as held, so that a release deletes it: the notice may be older than our own
   * adding of the address.
   * @param onUntracked hears of one that is not tracked, and how to name it
   * @param onPutBack it is there again, without the routes that the kernel dropped with it
   * @returns how to name the one that somebody else took from us
   */
  lost(
    gone: InterfaceAddress,
    onUntracked?: (address: VirtualAddress, what: string) => void,
    onPutBack?: () => void,
  ): string | undefined {
    if (this.#set.size === 0) return undefined;
    this.#byAddress ??= groupBy(all(this.#config), ({ address }) => address);
    const ours = this.#byAddress
      .get(gone.address)
      ?.find((a) => a.prefix === gone.prefix && this.#set.get(this.key(a)) === gone.interfaceIndex);
    if (ours === undefined) return undefined;
    if (this.#deps.deletions.has(this.key(ours)) || this.#deps.keeps?.() === true) {
      this.#add(ours);
      onPutBack?.();
      return undefined;
    }
    const what = this.#nameOf(ours);
    if (!ours.more.tracked) {
      if (this.#deps.repairs.allow(what, () => this.#makeSure(ours, onPutBack))) {
        this.#add(ours);
        onPutBack?.();
      }
      onUntracked?.(ours, what);
      return undefined;
    }
    return what;
  }

  /** The interface came up, maybe another one under the name of before: addresses that went with it are added again. */
  restore(interfaceName: string): void {
    const { network } = this.#deps;
    const concerned = all(this.#config).filter(({ dev }) => (dev ?? vipInterface(this.#config)) === interfaceName);
    const index = concerned.length === 0 ? undefined : network.link(interfaceName)?.index;
    if (index === undefined) return;
    const there = new Set(network.addresses(index).map(({ address, prefix }) => `${address}/${prefix}`));
    for (const address of concerned) if (!there.has(`${address.address}/${address.prefix}`)) this.#add(address);
  }

  /** Of one that somebody else has deleted again and again, a while later. */
  #makeSure(ours: VirtualAddress, onPutBack?: () => void): void {
    const index = this.#set.get(this.key(ours));
    if (index === undefined) return; // released since
    const there = this.#deps.network.addresses(index);
    if (there.some(({ address, prefix }) => address === ours.address && prefix === ours.prefix)) return;
    this.#add(ours);
    onPutBack?.();
  }

  #nameOf(ours: VirtualAddress): string {
    return `ip address ${ours.address}/${ours.prefix} dev ${ours.dev ?? vipInterface(this.#config)}`;
  }

  #linkIndex(address: VirtualAddress): number | undefined {
    return this.#deps.network.link(address.dev ?? vipInterface(this.#config))?.index;
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
    this.#deps.deletions.note(key);
    const settle = this.#deps.verdicts.expect();
    this.#deps.network.deleteAddress(index, address, settle);
  }

  #reportMissing(address: VirtualAddress): void {
    const dev = address.dev ?? vipInterface(this.#config);
    const sentence = `(${this.#config.name}) cannot add address ${address.address}/${address.prefix} on ${dev}: there is no such interface - check the name after \`dev\``;
    this.#deps.log("error", "vrrp.address-failed", sentence, { instance: this.#config.name, address: address.address });
  }
}

const all = (config: Holding): readonly VirtualAddress[] => [...config.virtualAddresses, ...config.excludedAddresses];

/** Two addresses with equal identity are the same entry in the kernel, whoever follows it. */
function identity(config: Holding, { address, prefix, dev, label, broadcast, scope, more }: VirtualAddress): string {
  const options = JSON.stringify({ ...more, tracked: undefined });
  return [address, prefix, dev ?? vipInterface(config), label, broadcast, scope, options].join(" ");
}
