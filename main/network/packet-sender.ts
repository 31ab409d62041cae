import { openPacketSocket, type PacketSocket } from "../../native-bindings/packet.js";
import type { SendFrame } from "../vrrp/ports.js";

export interface FrameSender extends Disposable {
  readonly send: SendFrame;
}

/** One AF_PACKET socket for all frames of the daemon. @throws system error (EPERM without CAP_NET_RAW) */
export function openFrameSender(open: () => PacketSocket = openPacketSocket): FrameSender {
  const socket = open();
  return {
    send: (interfaceIndex, frame) => socket.send(interfaceIndex, frame),
    [Symbol.dispose]: () => socket.close(),
  };
}
