import type { IpAddress } from "../address.js";
import { ipv4ToNumber } from "./ipv4.js";

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IP = 0x0800;
const HARDWARE_ETHERNET = 1;
const ARP_REQUEST = 1;
const FRAME = 42;

/**
 * A gratuitous ARP request (RFC 5227 §3, RFC 826): broadcast, sender and target address both `address`.
 * The target hardware address is the broadcast address, as keepalived sends it.
 * @param mac 6 octets
 */
export function gratuitousArp(mac: Uint8Array, address: IpAddress): Uint8Array {
  const frame = new Uint8Array(FRAME);
  const view = new DataView(frame.buffer);
  const ip = ipv4ToNumber(address);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  view.setUint16(14, HARDWARE_ETHERNET);
  view.setUint16(16, ETHERTYPE_IP);
  view.setUint8(18, 6);
  view.setUint8(19, 4);
  view.setUint16(20, ARP_REQUEST);
  frame.set(mac, 22);
  view.setUint32(28, ip);
  frame.fill(0xff, 32, 38);
  view.setUint32(38, ip);
  return frame;
}
