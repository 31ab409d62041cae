import { native } from "./load.js";

/** The kernel's packet filter of sockets whose owners, another add-on and Node, do not show them. */

interface Native {
  readonly findRawSocket: (protocol: number, label: number, from: number) => number;
  readonly setRawSocketFilter: (fd: number, protocol: number, label: number, program: Uint8Array) => number;
  readonly setUdpSocketFilter: (local: Uint8Array, peer: Uint8Array, port: number, program: Uint8Array) => number;
}

/** How such a socket is told from all others, also from one that has got its number since. */
export interface RawSocketMarks {
  readonly protocol: number;
  /** Put into its SO_RCVLOWAT by its owner, which changes nothing for a raw socket. */
  readonly label: number;
}

/**
 * Descriptor of a raw socket of this process. `from`, at least 3: where it is likely to be, which saves looking at all
 * descriptors. @returns -1: there is none
 */
export function findRawSocket({ protocol, label }: RawSocketMarks, from: number): number {
  return (native as Native).findRawSocket(protocol, label, from);
}

/**
 * Replaces the filter of `fd`, when that is still the socket. `program`: `struct sock_filter`s (linux/filter.h).
 * @returns 0 or a positive errno
 */
export function setRawSocketFilter(fd: number, { protocol, label }: RawSocketMarks, program: Uint8Array): number {
  return (native as Native).setRawSocketFilter(fd, protocol, label, program);
}

/**
 * Replaces the filter of the socket that is connected with `port` of `peer` from the same port of `local`, 4 or 16 octets each.
 * `program`: over the UDP header and what follows. Looks at all open descriptors. @returns 0 or a positive errno, ENOENT when there is none
 */
export function setUdpSocketFilter(local: Uint8Array, peer: Uint8Array, port: number, program: Uint8Array): number {
  return (native as Native).setUdpSocketFilter(local, peer, port, program);
}
