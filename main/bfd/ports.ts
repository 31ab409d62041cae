import type { IpAddress } from "../address.js";

/** What BFD needs of the host. udp-transport.ts implements it; tests fake it. */

/** UDP destination ports: RFC 5881 §4, RFC 5883 §5. */
export const portOf = ({ multihop }: { readonly multihop: boolean }): number => (multihop ? 4784 : 3784);

export interface BfdSender extends Disposable {
  /** @returns 0 or a positive errno */
  send(bytes: Uint8Array): number;
}

export interface BfdReader extends Disposable {
  /** Replaces the kernel's filter: see packet-filter.ts. */
  filter(program: Uint8Array): void;
}

/** A datagram where the socket put it: it is there until the call returns. */
export interface Arrival {
  /** 16 octets each, IPv4 in the last four. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly bytes: Buffer;
}

export interface ReaderPlace {
  readonly ipv6: boolean;
  readonly port: number;
}

export interface SenderPlace {
  /** Undefined: the kernel chooses. */
  readonly local: IpAddress | undefined;
  readonly remote: IpAddress;
  readonly port: number;
  readonly ttl: number;
}

export interface BfdTransport {
  /** @param length of the datagram, of which `arrival` may hold less @throws system error */
  openReader(place: ReaderPlace, onDatagram: (arrival: Arrival, length: number, ttl: number) => void): BfdReader;
  /** From a port of its own, 49152 to 65535 (RFC 5881 §4). @throws system error */
  openSender(place: SenderPlace): BfdSender;
}
