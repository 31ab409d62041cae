import { native } from "./load.js";

/** VRRP over IPv6: raw sockets of protocol 112, watched by the event loop of the thread that opened them. */

export interface Ipv6AdvertReader extends Disposable {
  /** Replaces the kernel's filter: `struct sock_filter`s (linux/filter.h) over the VRRP message. @returns 0 or a positive errno */
  filter(program: Uint8Array): number;
  /** What the kernel may keep until it is read, also beyond net.core.rmem_max. */
  receiveBuffer(bytes: number): void;
  close(): void;
}

export interface Ipv6AdvertSender extends Disposable {
  /** Sends a whole IPv6 packet to the destination in its header. @returns 0 or a positive errno */
  send(packet: Uint8Array): number;
  close(): void;
}

export interface Ipv6AdvertHandlers {
  /**
   * A whole packet: the header is put together from what the kernel tells of it. It is a copy.
   * @param age how long ago, at least, the kernel took it in, ms; NaN: unknown
   */
  readonly onPacket: (packet: Buffer, age: number) => void;
  /** A receive error, errno positive. */
  readonly onError: (errno: number) => void;
}

/** A network device, or `{ name: "", index: 0 }` for none. */
export interface Device {
  readonly name: string;
  readonly index: number;
}

interface Native {
  readonly Ipv6AdvertReader: new (
    device: string,
    interfaceIndex: number,
    address: Uint8Array,
    receiveBufferBytes: number,
    onPacket: (packet: Buffer, age: number) => void,
    onError: (errno: number) => void,
  ) => Ipv6AdvertReader;
  readonly Ipv6AdvertSender: new (device: string, interfaceIndex: number) => Ipv6AdvertSender;
}

/** @param address 16 octets: a group, which is joined, or an address of this host @throws system error */
export function openIpv6AdvertReader(
  { name, index }: Device,
  address: Uint8Array,
  receiveBufferBytes: number,
  { onPacket, onError }: Ipv6AdvertHandlers,
): Ipv6AdvertReader {
  return new (native as Native).Ipv6AdvertReader(name, index, address, receiveBufferBytes, onPacket, onError);
}

/** @throws system error */
export function openIpv6AdvertSender({ name, index }: Device): Ipv6AdvertSender {
  return new (native as Native).Ipv6AdvertSender(name, index);
}
