import { native } from "./load.js";

/** UDP with what node:dgram keeps to itself: the TTL and the destination of what comes, and sending without a queue. */

export interface UdpReader extends Disposable {
  /** Replaces the kernel's filter: `struct sock_filter`s (linux/filter.h) over the UDP header and what follows. @returns 0 or a positive errno */
  filter(program: Uint8Array): number;
  close(): void;
}

export interface UdpSender extends Disposable {
  /** @returns 0 or a positive errno. Never blocks. */
  send(bytes: Uint8Array): number;
  close(): void;
}

/** Where in a reader's view a datagram is put: source and destination have 16 octets each, IPv4 in the last four. */
export const udpView = { source: 0, destination: 16, datagram: 32 } as const;

export interface UdpHandlers {
  /** The reader's view holds the datagram until this returns. @param length of the datagram; what did not fit was cut off */
  readonly onDatagram: (length: number, ttl: number) => void;
  /** A receive error, errno positive. */
  readonly onError: (errno: number) => void;
}

export interface UdpReaderOptions {
  readonly ipv6: boolean;
  readonly port: number;
  /** What the kernel may keep until it is read, also beyond net.core.rmem_max. */
  readonly receiveBufferBytes: number;
  /** At least 32 octets, see `udpView`. */
  readonly view: Uint8Array;
}

export interface UdpSenderOptions {
  /** 4 or 16 octets; empty: the kernel chooses, for every datagram anew. */
  readonly local: Uint8Array;
  readonly localPort: number;
  readonly remote: Uint8Array;
  readonly remotePort: number;
  readonly ttl: number;
}

interface Native {
  readonly UdpReader: new (
    ipv6: boolean,
    port: number,
    receiveBufferBytes: number,
    view: Uint8Array,
    onDatagram: (length: number, ttl: number) => void,
    onError: (errno: number) => void,
  ) => UdpReader;
  readonly UdpSender: new (
    local: Uint8Array,
    localPort: number,
    remote: Uint8Array,
    remotePort: number,
    ttl: number,
  ) => UdpSender;
}

/** Hears `port` on all addresses of the host. @throws system error */
export function openUdpReader(options: UdpReaderOptions, { onDatagram, onError }: UdpHandlers): UdpReader {
  const { ipv6, port, receiveBufferBytes, view } = options;
  return new (native as Native).UdpReader(ipv6, port, receiveBufferBytes, view, onDatagram, onError);
}

/** @throws system error */
export function openUdpSender({ local, localPort, remote, remotePort, ttl }: UdpSenderOptions): UdpSender {
  return new (native as Native).UdpSender(local, localPort, remote, remotePort, ttl);
}
