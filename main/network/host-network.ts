import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VirtualAddress } from "../config/model.js";
import { DaemonError } from "../errors.js";
import type { ConnectionEvents, DumpResult, Request } from "../netlink/connection.js";
import type { Message, Verdict } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { HostNetwork, InterfaceAddress, Link, NetworkChange } from "../vrrp/ports.js";
import { EADDRNOTAVAIL, EEXIST, ENODEV, errnoText, explainAddressError } from "./address-errors.js";
import { type AsideConnection, AsideRequests } from "./aside-requests.js";
import { differences, NetworkTable } from "./network-table.js";
import { RouteRequests } from "./route-requests.js";
import {
  type AddressMessage,
  addAddressRequest,
  decodeRouteMessage,
  deleteAddressRequest,
  IFA_F_NODAD,
  type RouteMessage,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_LINK,
  RTPROT_KEEPALIVED,
} from "./rtnetlink.js";
import { type Dump, TableReader } from "./table-reader.js";

/** What is used of a NetlinkConnection of NETLINK_ROUTE. */
export interface RouteConnection extends Disposable {
  readonly portId?: number;
  join(group: number): void;
  request(request: Request, done: (verdict: Verdict) => void): void;
  dump(type: number, encode: (writer: MessageWriter) => void): Promise<DumpResult>;
}

type Connect = (events: ConnectionEvents) => RouteConnection;

/** Before the next whole reading, when one failed or was never complete (not when notifications are merely lost). */
const RETRY_DELAY = ms(1000);
/**
 * Mirror of the kernel's links and addresses, kept up to date by notifications, and the way to change addresses.
 * When notifications are lost everything is read again, and the differences are told as if they had been notified.
 */
export class KernelNetwork implements HostNetwork, Disposable {
  readonly #connection: RouteConnection;
  readonly #requests: RouteRequests;
  readonly #reader: TableReader;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #subscribers = new Set<(change: NetworkChange) => void>();
  readonly #connectAside: (() => AsideConnection) | undefined;
  #aside: AsideRequests | undefined;
  #table = new NetworkTable();
  #retry: Disposable | undefined;
  #closed: boolean = false;

  private constructor(connect: Connect, log: Log, clock: Clock, connectAside?: () => AsideConnection) {
    this.#connectAside = connectAside;
    this.#log = log;
    this.#clock = clock;
    this.#connection = connect({
      onNotification: (message) => this.#onNotification(message),
      onLost: (why) => this.#onLost(why),
    });
    this.#requests = new RouteRequests((request, done) => this.#connection.request(request, done), clock);
    const dump: Dump = (type, encode) => this.#connection.dump(type, encode);
    this.#reader = new TableReader(dump, () => this.#requests.barrier(), log);
  }

  /** @throws DaemonError E_NETLINK when links and addresses cannot be read */
  static async open(
    connect: Connect,
    log: Log,
    clock: Clock,
    connectAside?: () => AsideConnection,
  ): Promise<KernelNetwork> {
    const network = new KernelNetwork(connect, log, clock, connectAside);
    try {
      // First listen, then read: what changes in between is told twice rather than never.
      for (const group of [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR]) network.#connection.join(group);
      const errno = await network.#readAgain();
      if (errno !== 0) throw new DaemonError("E_NETLINK", unreadable(errno));
      return network;
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  link(name: string): Link | undefined {
    return this.#table.link(name);
  }

  linkAt(index: number): Link | undefined {
    return this.#table.linkAt(index);
  }

  addresses(interfaceIndex: number): readonly InterfaceAddress[] {
    return this.#table.addresses(interfaceIndex);
  }

  /** All that packets can be sent to. */
  localAddresses(): readonly IpAddress[] {
    return this.#table.allAddresses().flatMap(({ address, tentative }) => (tentative ? [] : address));
  }

  hasAddress(address: IpAddress): boolean {
    return this.#table.hasAddress(address);
  }

  addAddress(interfaceIndex: number, address: VirtualAddress, done: (errno: number) => void): void {
    const request = addAddressRequest(interfaceIndex, address);
    this.#requests.ask(subjectOf(interfaceIndex, address), request, (verdict) => {
      const added = verdict.errno === 0 || verdict.errno === EEXIST;
      if (added) this.#noteAdded(interfaceIndex, address);
      else this.#report("add", interfaceIndex, address, verdict);
      done(added ? 0 : verdict.errno);
    });
  }

  deleteAddress(interfaceIndex: number, address: VirtualAddress, done: (errno: number) => void): void {
    const request = deleteAddressRequest(interfaceIndex, address);
    this.#requests.ask(subjectOf(interfaceIndex, address), request, (verdict) => {
      const gone = [0, EADDRNOTAVAIL, ENODEV].includes(verdict.errno);
      if (gone) this.#learn({ kind: "address-gone", address: asMessage(interfaceIndex, address) });
      else this.#report("delete", interfaceIndex, address, verdict);
      done(gone ? 0 : verdict.errno);
    });
  }

  /** nl_pid of the socket that asks: the cause of notifications about our own changes. */
  get portId(): number | undefined {
    return this.#connection.portId;
  }

  /** Any other change, in one line with those of addresses. `subject`: what it is about (see RouteRequests). */
  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void {
    this.#requests.ask(subject, request, done);
  }

  /** As `ask`, carried out by another thread: the kernel takes long for it. Not in line with the others, but in their own order. */
  askAside(subject: string, request: Request, done: (verdict: Verdict) => void): void {
    (this.#asideRequests() ?? this.#requests).ask(subject, request, done);
  }

  /** Writes `text` into a file below /proc/sys/net, in line with what is asked aside. */
  async writeAside(path: string, text: string): Promise<void> {
    await this.#asideRequests()?.write(path, text);
  }

  #asideRequests(): AsideRequests | undefined {
    const connect = this.#connectAside;
    this.#aside ??= connect && new AsideRequests(connect(), () => this.#requests.barrier(), this.#clock);
    return this.#aside;
  }

  /** Every interface that is there. */
  links(): readonly Link[] {
    return this.#table.links();
  }

  /** Name of an interface that is there. */
  nameOf(interfaceIndex: number): string | undefined {
    return this.#table.linkAt(interfaceIndex)?.name;
  }

  subscribe(onChange: (change: NetworkChange) => void): Disposable {
    // A function of its own for each subscription, so that one listener may subscribe twice.
    const listener = (change: NetworkChange): void => onChange(change);
    this.#subscribers.add(listener);
    return { [Symbol.dispose]: () => this.#subscribers.delete(listener) };
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry?.[Symbol.dispose]();
    this.#subscribers.clear();
    this.#connection[Symbol.dispose]();
    this.#aside?.[Symbol.dispose]();
  }

  /** The notification usually came first; an IPv6 address is notified later, by a work queue of the kernel. */
  #noteAdded(interfaceIndex: number, address: VirtualAddress): void {
    const known = this.addresses(interfaceIndex).some((each) => each.address === address.address);
    if (!known) this.#learn({ kind: "address", address: asMessage(interfaceIndex, address) });
  }

  #report(action: "add" | "delete", index: number, address: VirtualAddress, verdict: Verdict): void {
    if (this.#closed) return;
    const on = this.#table.linkAt(index)?.name ?? `interface ${index}`;
    const { errno, reason } = verdict;
    const sentence = explainAddressError({ action, address, on, errno, reason });
    this.#log("error", "network.address-failed", sentence, { address: address.address, interface: on, errno });
  }

  /** Bytes that cannot be decoded throw: the connection turns that into `onLost`. */
  #onNotification(message: Message): void {
    const known = decodeRouteMessage(message);
    if (known !== undefined) this.#learn(known);
  }

  #learn(known: RouteMessage): void {
    this.#reader.record(known);
    this.#emit(this.#table.apply(known));
  }

  #onLost(why: string): void {
    if (this.#closed) return;
    const sentence = `network notifications were lost (${why}): reading links and addresses again`;
    this.#log("warning", "network.resync", sentence);
    this.#reader.recordLoss();
    if (!this.#reader.busy) void this.#readAgain();
  }

  /** @returns 0, or the errno with which the kernel refuses to tell */
  async #readAgain(): Promise<number> {
    const reading = await this.#reader.read(this.#table);
    if (this.#closed) return 0;
    const complete = reading.kind === "table" && reading.complete;
    if (!complete) this.#readLater();
    if (reading.kind === "failed") {
      this.#log("error", "network.unreadable", unreadable(reading.errno), { errno: reading.errno });
      return reading.errno;
    }
    const before = this.#table;
    this.#table = reading.table;
    this.#emit(differences(before, reading.table));
    return 0;
  }

  #readLater(): void {
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#clock.after(RETRY_DELAY, () => {
      if (!this.#reader.busy) void this.#readAgain();
    });
  }

  #emit(changes: readonly NetworkChange[]): void {
    for (const change of changes) for (const listener of [...this.#subscribers]) listener(change);
  }
}

function unreadable(errno: number): string {
  return `the kernel does not tell links and addresses: ${errnoText(errno)}: check the capability CAP_NET_ADMIN and the network namespace`;
}

const subjectOf = (index: number, { address, prefix }: VirtualAddress): string => `${index}/${address}/${prefix}`;

/** The address as the kernel would tell it: not tentative, because it was added without detection of duplicates. */
function asMessage(interfaceIndex: number, vip: VirtualAddress): AddressMessage {
  const { address, prefix, scope, label, broadcast } = vip;
  return { interfaceIndex, address, prefix, scope, flags: IFA_F_NODAD, label, broadcast, protocol: RTPROT_KEEPALIVED };
}
