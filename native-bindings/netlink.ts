import { native } from "./load.js";

/** A non-blocking netlink socket (netlink(7)), watched by the event loop of the thread that opened it. */
export interface NetlinkSocket extends Disposable {
  /** nl_pid that the kernel assigned. */
  readonly portId: number;
  /**
   * Sends `bytes` (one or many whole messages) with one sendmsg. The kernel handles the requests before this returns.
   * @returns 0, or a positive errno (EAGAIN, ENOBUFS, ...): an expected outcome, so not thrown.
   */
  send(bytes: Uint8Array): number;
  /**
   * One step after the other in a thread of libuv's pool, for what keeps the kernel busy for long: requests, as with `send`, and texts
   * for files of /proc/sys, which have to wait for the same lock. Orders given before may still be under way.
   * @param done gets 0 or a positive errno for each step
   */
  aside(steps: readonly AsideStep[], done: (errnos: number[]) => void): void;
  /** Subscribes to a multicast group by number (rtnetlink RTNLGRP_*). @throws system error */
  join(group: number): void;
  close(): void;
}

/** Whole messages, not none; or a file and what is written into it at once. */
export type AsideStep = Uint8Array | readonly [path: string, text: string];

export interface NetlinkHandlers {
  /** One datagram (whole netlink messages). Valid after the call: it is a copy. */
  readonly onDatagram: (bytes: Buffer) => void;
  /** A receive error, errno positive; ENOBUFS means that notifications were lost: read everything again. */
  readonly onError: (errno: number) => void;
}

interface Native {
  readonly NetlinkSocket: new (
    protocol: number,
    receiveBufferBytes: number,
    onDatagram: (bytes: Buffer) => void,
    onError: (errno: number) => void,
    namespacePath?: string,
  ) => NetlinkSocket;
}

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/**
 * `namespacePath`: a file that stands for the network namespace in which it is opened (`/var/run/netns/NAME`, `/proc/PID/ns/net`);
 * by default that of the process. @throws system error (code EPERM, EPROTONOSUPPORT, ...) with `syscall`
 */
export function openNetlink(
  protocol: number,
  receiveBufferBytes: number,
  handlers: NetlinkHandlers,
  namespacePath?: string,
): NetlinkSocket {
  const { NetlinkSocket } = native as Native;
  if (namespacePath !== undefined)
    return new NetlinkSocket(protocol, receiveBufferBytes, handlers.onDatagram, handlers.onError, namespacePath);
  return new NetlinkSocket(protocol, receiveBufferBytes, handlers.onDatagram, handlers.onError);
}
