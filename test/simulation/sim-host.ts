import type { IpAddress } from "../../main/address.js";
import type { VirtualAddress } from "../../main/config/model.js";
import type { HostNetwork, InterfaceAddress, Link, NetworkChange } from "../../main/vrrp/ports.js";

/** A host with one interface, eth0. Everything that is done to it goes to `journal`. */
export class SimHost implements HostNetwork {
  readonly journal: string[];
  readonly #index = 2;
  readonly #addresses: InterfaceAddress[] = [];
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #running = true;
  #exists = true;
  #multicast = true;

  constructor(own: IpAddress, journal: string[] = []) {
    this.journal = journal;
    this.#addresses.push({ interfaceIndex: this.#index, address: own, prefix: 24, tentative: false });
  }

  link(name: string): Link | undefined {
    if (name !== "eth0" || !this.#exists) return undefined;
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    return {
      index: this.#index,
      name,
      running: this.#running,
      noArp: false,
      multicast: this.#multicast,
      mtu: 1500,
      mac,
    };
  }

  addresses(interfaceIndex: number): readonly InterfaceAddress[] {
    return this.#addresses.filter((a) => a.interfaceIndex === interfaceIndex);
  }

  has(address: IpAddress): boolean {
    return this.#addresses.some((a) => a.address === address);
  }

  addAddress(interfaceIndex: number, { address, prefix }: VirtualAddress, done: (errno: number) => void): void {
    this.journal.push(`add ${address}`);
    if (!this.has(address)) this.#change("address", { interfaceIndex, address, prefix, tentative: false });
    done(0);
  }

  deleteAddress(interfaceIndex: number, { address, prefix }: VirtualAddress, done: (errno: number) => void): void {
    this.journal.push(`delete ${address}`);
    if (this.has(address)) this.#change("address-gone", { interfaceIndex, address, prefix, tentative: false });
    done(0);
  }

  /** Like `ip addr del` by somebody else. */
  lose(address: IpAddress, prefix = 24): void {
    this.#change("address-gone", { interfaceIndex: this.#index, address, prefix, tentative: false });
  }

  /** Word of a deletion that has been undone since. */
  loseLate(address: IpAddress): void {
    const gone = { interfaceIndex: this.#index, address, prefix: 24, tentative: false };
    this.#tell({ kind: "address-gone", address: gone });
  }

  gain(address: IpAddress): void {
    this.#change("address", { interfaceIndex: this.#index, address, prefix: 24, tentative: false });
  }

  /** Like `ip link set eth0 multicast on`, or off. */
  setMulticast(multicast: boolean): void {
    this.#multicast = multicast;
    this.setRunning(this.#running);
  }

  setRunning(running: boolean): void {
    this.#running = running;
    const link = this.link("eth0");
    if (link !== undefined) this.#tell({ kind: "link", link });
  }

  removeLink(): void {
    this.#exists = false;
    this.#tell({ kind: "link-gone", index: this.#index, name: "eth0" });
  }

  subscribe(onChange: (change: NetworkChange) => void): Disposable {
    this.#listeners.add(onChange);
    return { [Symbol.dispose]: () => void this.#listeners.delete(onChange) };
  }

  #change(kind: "address" | "address-gone", address: InterfaceAddress): void {
    const at = this.#addresses.findIndex((a) => a.address === address.address);
    if (kind === "address" && at < 0) this.#addresses.push(address);
    if (kind === "address-gone" && at >= 0) this.#addresses.splice(at, 1);
    this.#tell({ kind, address });
  }

  #tell(change: NetworkChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
