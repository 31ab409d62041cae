import { native } from "./load.js";

/** The kernel's packet filter of IPv4 raw sockets that another add-on opened and does not show. */

interface Native {
  readonly findUnfilteredRawSocket: (protocol: number, from: number) => number;
  readonly setRawSocketFilter: (fd: number, protocol: number, program: Uint8Array) => number;
}

/**
 * A raw socket of this process that has no filter yet. `from`, at least 3: where it is likely to be, which saves looking at all
 * descriptors. @returns -1: there is none
 */
export function findUnfilteredRawSocket(protocol: number, from: number): number {
  return (native as Native).findUnfilteredRawSocket(protocol, from);
}

/**
 * Replaces the filter of `fd`, when that is a raw socket of `protocol`. `program`: `struct sock_filter`s (linux/filter.h).
 * @returns 0 or a positive errno
 */
export function setRawSocketFilter(fd: number, protocol: number, program: Uint8Array): number {
  return (native as Native).setRawSocketFilter(fd, protocol, program);
}
