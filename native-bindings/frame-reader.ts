import { native } from "./load.js";

/** An AF_PACKET socket on one interface that hears ARP, or neighbour adverts: what answers a probe of an address. */
export interface FrameReader extends Disposable {
  close(): void;
}

interface Native {
  readonly FrameReader: new (interfaceIndex: number, version: 4 | 6, onFrame: (frame: Buffer) => void) => FrameReader;
}

/**
 * @param version 4: every ARP frame; 6: every ICMPv6 neighbour advert (a filter in the kernel keeps all else away). What this host
 * sends is not heard.
 * @param onFrame gets a copy of the frame, at most 128 octets
 * @throws system error (EPERM without CAP_NET_RAW, ENODEV)
 */
export function openFrameReader(interfaceIndex: number, version: 4 | 6, onFrame: (frame: Buffer) => void): FrameReader {
  return new (native as Native).FrameReader(interfaceIndex, version, onFrame);
}
