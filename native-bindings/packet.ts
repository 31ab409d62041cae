import { native } from "./load.js";

/** An AF_PACKET socket for sending whole link-layer frames (packet(7)). It receives nothing. */
export interface PacketSocket extends Disposable {
  /** @returns 0, or a positive errno (ENETDOWN, ENXIO, ENOBUFS, ...) */
  send(interfaceIndex: number, frame: Uint8Array): number;
  close(): void;
}

interface Native {
  readonly PacketSocket: new () => PacketSocket;
}

/** @throws system error (EPERM without CAP_NET_RAW) */
export function openPacketSocket(): PacketSocket {
  const { PacketSocket } = native as Native;
  return new PacketSocket();
}
