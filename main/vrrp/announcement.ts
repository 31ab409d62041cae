import type { IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import { ipv4ToNumber } from "./ipv4.js";

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IP = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET = 14;
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

const IPPROTO_ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const ROUTER = 0x80;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ALL_NODES = bytesOfIp("ff02::1");
const ALL_NODES_MAC = [0x33, 0x33, 0, 0, 0, 1];
const IPV6_HEADER = 40;
/** ICMPv6 header and flags (8), target (16), option with the hardware address (8): RFC 4861 §4.4, §4.6.1. */
const ADVERTISEMENT = 32;

/**
 * An unsolicited neighbour advertisement (RFC 4861 §7.2.6): from `address` to all nodes, to replace what they know of it.
 * @param mac 6 octets
 * @param router whether this host forwards IPv6
 */
export function neighbourAdvertisement(mac: Uint8Array, address: IpAddress, router: boolean): Uint8Array {
  const frame = new Uint8Array(ETHERNET + IPV6_HEADER + ADVERTISEMENT);
  const view = new DataView(frame.buffer);
  const target = bytesOfIp(address);
  frame.set(ALL_NODES_MAC);
  frame.set(mac, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  const ip = frame.subarray(ETHERNET);
  ip[0] = 0x60;
  ip[5] = ADVERTISEMENT;
  ip[6] = IPPROTO_ICMPV6;
  ip[7] = 255; // RFC 4861 §7.1.2: anything less came over a router
  ip.set(target, 8);
  ip.set(ALL_NODES, 24);
  const icmp = ip.subarray(IPV6_HEADER);
  icmp[0] = NEIGHBOUR_ADVERTISEMENT;
  icmp[4] = OVERRIDE | (router ? ROUTER : 0);
  icmp.set(target, 8);
  icmp[24] = TARGET_LINK_LAYER_ADDRESS;
  icmp[25] = 1; // in units of 8 octets
  icmp.set(mac, 26);
  view.setUint16(ETHERNET + IPV6_HEADER + 2, icmpChecksum(ip));
  return frame;
}

/** RFC 8200 §8.1: over a pseudo header of addresses, length and protocol, and the message. */
function icmpChecksum(ip: Uint8Array): number {
  let sum = IPPROTO_ICMPV6 + ip.length - IPV6_HEADER;
  for (let i = 8; i < ip.length; i += 2) sum += ((ip[i] ?? 0) << 8) | (ip[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
