import type { IpAddress } from "../../../main/address.js";
import type { VirtualAddress } from "../../../main/config/model.js";
import type { HostNetwork, InterfaceAddress, Link, NetworkChange } from "../../../main/vrrp/ports.js";

const INDEX = 2;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const asAddress = (address: IpAddress): InterfaceAddress => ({
  interfaceIndex: INDEX,
  address,
  prefix: 24,
  tentative: false,
});

export interface KernelEvents {
  readonly added: (address: IpAddress) => void;
  readonly deleted: (address: IpAddress, was: boolean) => void;
  /** Something to be told to the process, a moment later: netlink is a socket. */
  readonly tell: (run: () => void) => void;
  /** The process reads what happened; it has not drawn its conclusions yet. */
  readonly noticed: (change: NetworkChange) => void;
}

/** What the interface eth0 of one host really has. Outlives the processes. */
export class Kernel {
  readonly own: IpAddress;
  readonly virtual = new Set<IpAddress>();
  carrier: boolean = true;
  hasOwn: boolean = true;
  /** Taken by somebody else, and the process does not know it yet. */
  readonly unnoticed = new Set<IpAddress>();
  #view: KernelView | undefined;

  constructor(own: IpAddress) {
    this.own = own;
  }

  /** A process opens its netlink sockets and reads everything. */
  open(events: KernelEvents): KernelView {
    this.unnoticed.clear();
    this.#view = new KernelView(this, events);
    return this.#view;
  }

  close(): void {
    this.#view = undefined;
  }

  setCarrier(up: boolean): void {
    this.carrier = up;
    this.#view?.notify({ kind: "link", link: linkOf(up) });
  }

  setOwn(there: boolean): void {
    this.hasOwn = there;
    this.#view?.notify({ kind: there ? "address" : "address-gone", address: asAddress(this.own) });
  }

  /** Like `ip addr del` by somebody else. @returns whether it was there */
  steal(address: IpAddress): boolean {
    if (!this.virtual.delete(address)) return false;
    if (this.#view !== undefined) this.unnoticed.add(address);
    this.#view?.notify({ kind: "address-gone", address: asAddress(address) });
    return true;
  }
}

const linkOf = (running: boolean): Link => ({
  index: INDEX,
  name: "eth0",
  running,
  noArp: false,
  multicast: true,
  mtu: 1500,
  mac,
});

/** What one process knows of its host: what it has read, and what it was told since. */
export class KernelView implements HostNetwork {
  readonly #kernel: Kernel;
  readonly #events: KernelEvents;
  readonly #known: Set<IpAddress>;
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #link: Link;

  constructor(kernel: Kernel, events: KernelEvents) {
    this.#kernel = kernel;
    this.#events = events;
    this.#known = new Set(kernel.virtual);
    if (kernel.hasOwn) this.#known.add(kernel.own);
    this.#link = linkOf(kernel.carrier);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  link(name: string): Link | undefined {
    return name === "eth0" ? this.#link : undefined;
  }

  addresses(interfaceIndex: number): readonly InterfaceAddress[] {
    return interfaceIndex === INDEX ? [...this.#known].map(asAddress) : [];
  }

  addAddress(_index: number, { address }: VirtualAddress, done: (errno: number) => void): void {
    const { virtual, unnoticed } = this.#kernel;
    this.#events.added(address);
    unnoticed.delete(address);
    if (!virtual.has(address)) this.notify({ kind: "address", address: asAddress(address) });
    virtual.add(address);
    this.#events.tell(() => done(0));
  }

  deleteAddress(_index: number, { address }: VirtualAddress, done: (errno: number) => void): void {
    this.#events.deleted(address, this.#kernel.virtual.has(address));
    const was = this.#kernel.virtual.delete(address);
    if (was) this.notify({ kind: "address-gone", address: asAddress(address) });
    this.#events.tell(() => done(0));
  }

  subscribe(onChange: (change: NetworkChange) => void): Disposable {
    this.#listeners.add(onChange);
    return { [Symbol.dispose]: () => void this.#listeners.delete(onChange) };
  }

  notify(change: NetworkChange): void {
    this.#events.tell(() => {
      this.#learn(change);
      this.#events.noticed(change);
      for (const listener of [...this.#listeners]) listener(change);
    });
  }

  #learn(change: NetworkChange): void {
    if (change.kind === "link") this.#link = change.link;
    if (change.kind === "address") this.#known.add(change.address.address);
    if (change.kind === "address-gone") {
      this.#known.delete(change.address.address);
      this.#kernel.unnoticed.delete(change.address.address);
    }
  }
}
