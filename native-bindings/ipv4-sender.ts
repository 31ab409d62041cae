import { native } from "./load.js";

/** One raw socket for whole IPv4 packets, by whatever interface. Multicast is not looped back, nor routed. */
export interface Ipv4AdvertSender extends Disposable {
  /** Sends to the destination in the header. @param interfaceIndex 0: by the routing table @returns 0 or a positive errno */
  send(packet: Uint8Array, interfaceIndex: number): number;
  close(): void;
}

interface Native {
  readonly Ipv4AdvertSender: new () => Ipv4AdvertSender;
}

/** @throws system error */
export const openIpv4AdvertSender = (): Ipv4AdvertSender => new (native as Native).Ipv4AdvertSender();
