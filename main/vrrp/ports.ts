import type { IpAddress } from "../address.js";
import type { ScriptCommand, VirtualAddress } from "../config/model.js";
import type { LinkbeatMethod } from "../config/model-vrrp.js";
import type { HostEntry } from "../host-entry.js";
import type { Milliseconds } from "../units.js";
import type { Wanted } from "./endpoint-filter.js";

/** What the VRRP shell needs of the host. main/network, main/notify and raw-socket implement it; tests fake it. */

export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_UP and IFF_RUNNING both set. */
  readonly running: boolean;
  /** IFF_NOARP: nothing is announced on it. */
  readonly noArp: boolean;
  readonly multicast: boolean;
  readonly mtu: number;
  /** Hardware address; empty for loopback and tunnels. */
  readonly mac: Uint8Array;
  /** Undefined where nobody told (simulated hosts). */
  readonly details?: LinkDetails | undefined;
  /** For dumps: nobody is told when only this changes. Absent as above. */
  readonly shape?: LinkShape;
}

export interface LinkShape {
  /** IFF_* of linux/if.h. */
  readonly flags: number;
  /** ARPHRD_* of linux/if_arp.h. */
  readonly hardware: number;
  readonly broadcast: Uint8Array;
}

/** What a link is made of. */
export interface LinkDetails {
  /** rtnl_link_ops: `macvlan`, `ipvlan`, `vrf`, `veth`; undefined for hardware. */
  readonly kind: string | undefined;
  /** Index of the interface below it. */
  readonly lower: number | undefined;
  /** Index of the bridge, bond or VRF that it belongs to. */
  readonly master: number | undefined;
  readonly group: number;
  /** IFLA_MACVLAN_MODE or IFLA_IPVLAN_MODE. */
  readonly mode: number | undefined;
  /** Of a VRF. */
  readonly table: number | undefined;
}

export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly address: IpAddress;
  readonly prefix: number;
  readonly tentative: boolean;
}

export type NetworkChange =
  | { readonly kind: "link"; readonly link: Link }
  | { readonly kind: "link-gone"; readonly index: number; readonly name: string }
  | { readonly kind: "address" | "address-gone"; readonly address: InterfaceAddress };

export interface HostNetwork {
  link(name: string): Link | undefined;
  addresses(interfaceIndex: number): readonly InterfaceAddress[];
  /** Whether some interface has the address, known to be unique. Absent (simulated hosts): it is taken to be there. */
  hasAddress?(address: IpAddress): boolean;
  /**
   * Like `ip addr add`. In the kernel when this returns; EEXIST counts as success.
   * `done` hears the verdict later: 0 or a positive errno.
   */
  addAddress(interfaceIndex: number, address: VirtualAddress, done: (errno: number) => void): void;
  /** Like `ip addr del`. EADDRNOTAVAIL and ENODEV count as success. */
  deleteAddress(interfaceIndex: number, address: VirtualAddress, done: (errno: number) => void): void;
  subscribe(onChange: (change: NetworkChange) => void): Disposable;
}

/** Routes and rules of the host; main/network implements it, tests fake it. */
export interface HostEntries {
  /** Equal for entries that are the same one in the kernel. */
  identity(entry: HostEntry): string;
  /**
   * Like `ip route add` or `ip rule add`. In the kernel when this returns; EEXIST counts as success.
   * `done` hears the verdict later: 0 or a positive errno, which has been logged.
   */
  add(entry: HostEntry, done: (errno: number) => void): void;
  /** Like `ip route del` or `ip rule del`. One that is not there counts as success. */
  delete(entry: HostEntry, done: (errno: number) => void): void;
  subscribe(events: EntryListener): Disposable;
}

export interface EntryListener {
  /** Somebody else deleted or replaced an entry: `isThat` tells whether it was this one. */
  readonly onLost: (isThat: (entry: HostEntry) => boolean) => void;
  /** Any entry may have gone: whoever wants one adds it again. */
  readonly onUnknown: () => void;
}

/** Keeps packets away from addresses of masters that do not accept them (RFC 5798 §6.1, Accept_Mode). */
export interface AddressFilter {
  /** From now on exactly these of `owner` are blocked. In force when this returns. `name`: the owner's, for messages. */
  block(owner: string, addresses: readonly { readonly address: IpAddress; readonly on: string }[], name?: string): void;
}

/** Adverts of one interface (multicast) or one source address (unicast). Shared by all instances with the same key. */
export interface AdvertEndpoint {
  readonly kind: "multicast" | "unicast";
  /** Bound to this interface; undefined only for unicast without `interface`. */
  readonly link: Link | undefined;
  /** The multicast group, or the unicast source address that is listened on. */
  readonly address: IpAddress;
  /** Adverts come with an authentication header (auth_type AH), which is an IP protocol of its own. */
  readonly ah?: boolean;
}

export interface AdvertSocket extends Disposable {
  /** Sends a whole packet, IP header included (IP_HDRINCL). @returns 0 or a positive errno; sent when this returns */
  send(packet: Uint8Array, destination: IpAddress): number;
  /** What is to be heard from now on. The kernel may keep everything else; whoever cannot do that has no such method. */
  filter?(wanted: Wanted): void;
  /** What the kernel may keep until it is read; without it, RECEIVE_QUEUE_BYTES. */
  receiveBuffer?(bytes: number): void;
}

/** Receive buffer of a socket for adverts, unless it is configured. */
export const RECEIVE_QUEUE_BYTES = 1 << 20;

export interface AdvertTransport {
  /**
   * `age`: how long ago the packet came in, ms; NaN or absent: unknown. `wanted`: what is to be heard at first; nothing, if absent.
   * @throws system error (EPERM, ENODEV, EADDRNOTAVAIL)
   */
  open(
    endpoint: AdvertEndpoint,
    onPacket: (packet: Buffer, source: IpAddress, age?: number) => void,
    wanted?: Wanted,
  ): AdvertSocket;
}

/**
 * Asks a device for its link, in another thread. `method` is tried first, the answer names what the device knows.
 * `errno`: 0, or a positive number when it cannot be asked.
 */
export type LinkPoller = (
  interfaceName: string,
  method: LinkbeatMethod,
) => Promise<{ readonly errno: number; readonly up: boolean; readonly method: LinkbeatMethod }>;

/** Sends a link-layer frame. @returns 0 or a positive errno */
export type SendFrame = (interfaceIndex: number, frame: Uint8Array) => number;

export interface ScriptResult {
  readonly kind: "exited" | "signalled" | "timed-out" | "not-started";
  /** Exit code, signal number or errno. */
  readonly value: number;
}

export interface ScriptRunner {
  /** `timeout` 0: none. Time-out: SIGTERM to the group, 2 s, SIGKILL. `done` is called once, when the child is gone. */
  run(
    command: ScriptCommand,
    extraArgs: readonly string[],
    timeout: Milliseconds,
    done: (result: ScriptResult) => void,
  ): void;
}
