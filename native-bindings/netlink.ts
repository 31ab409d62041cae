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
  /** Subscribes to a multicast group by number (rtnetlink RTNLGRP_*). @throws system error */
  join(group: number): void;
  close(): void;
}

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
  ) => NetlinkSocket;
}

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** @throws system error (code EPERM, EPROTONOSUPPORT, ...) with `syscall` */
export function openNetlink(protocol: number, receiveBufferBytes: number, handlers: NetlinkHandlers): NetlinkSocket {
  const { NetlinkSocket } = native as Native;
  return new NetlinkSocket(protocol, receiveBufferBytes, handlers.onDatagram, handlers.onError);
}
