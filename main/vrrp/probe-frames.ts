import { familyOf, type IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";

/** Frames that ask whether somebody has an address, and what answers them. Pure. */

const ETHERNET = 14;
const ARP_FRAME = 42;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const IPV6_HEADER = 40;
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
/** ICMPv6 header (4), reserved (4), target (16): RFC 4861 §4.3. */
const SOLICITATION_LENGTH = 24;

/** @param mac 6 octets, of the interface that asks */
export const addressProbe = (mac: Uint8Array, address: IpAddress): Uint8Array =>
  familyOf(address) === "inet" ? arpProbe(mac, address) : duplicateSolicitation(mac, address);

/** RFC 5227 §2.1.1: a request for `address` whose sender address is zero, so that nobody learns anything of it. */
function arpProbe(mac: Uint8Array, address: IpAddress): Uint8Array {
  const frame = new Uint8Array(ARP_FRAME);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  view.setUint16(14, 1); // Ethernet
  view.setUint16(16, 0x0800);
  view.setUint8(18, 6);
  view.setUint8(19, 4);
  view.setUint16(20, 1); // request
  frame.set(mac, 22);
  frame.set(bytesOfIp(address), 38);
  return frame;
}

/** RFC 4862 §5.4.2: a neighbour solicitation from the unspecified address; who has the target tells all nodes. */
function duplicateSolicitation(mac: Uint8Array, address: IpAddress): Uint8Array {
  const frame = new Uint8Array(ETHERNET + IPV6_HEADER + SOLICITATION_LENGTH);
  const view = new DataView(frame.buffer);
  const target = bytesOfIp(address);
  const group = bytesOfIp("ff02::1:ff00:0");
  group.set(target.subarray(13), 13);
  frame.set([0x33, 0x33]);
  frame.set(group.subarray(12), 2);
  frame.set(mac, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  const ip = frame.subarray(ETHERNET);
  ip[0] = 0x60;
  ip[5] = SOLICITATION_LENGTH;
  ip[6] = ICMPV6;
  ip[7] = 255; // RFC 4861 §7.1.1
  ip.set(group, 24);
  const icmp = ip.subarray(IPV6_HEADER);
  icmp[0] = SOLICITATION;
  icmp.set(target, 8);
  view.setUint16(ETHERNET + IPV6_HEADER + 2, checksum(ip));
  return frame;
}

/** RFC 8200 §8.1: over a pseudo header of addresses, length and protocol, and the message. */
function checksum(ip: Uint8Array): number {
  let sum = ICMPV6 + ip.length - IPV6_HEADER;
  for (let i = 8; i < ip.length; i += 2) sum += ((ip[i] ?? 0) << 8) | (ip[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Who says that he has `address`: a hardware address; undefined when this frame does not. `own` is ours. */
export function claimant(frame: Uint8Array, address: IpAddress, own: Uint8Array): string | undefined {
  if (frame.length < ARP_FRAME) return undefined;
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  const found = type === ETHERTYPE_ARP ? arpSender(frame, address) : neighbour(frame, type, address);
  return found === undefined || Buffer.compare(found, own) === 0 ? undefined : macText(found);
}

/** RFC 5227 §2.1.1: any ARP packet with the address as sender, request or reply; or another one's probe of it. */
function arpSender(frame: Uint8Array, address: IpAddress): Uint8Array | undefined {
  if (familyOf(address) !== "inet") return undefined;
  const wanted = bytesOfIp(address);
  const sender = frame.subarray(28, 32);
  return Buffer.compare(sender, wanted) === 0 ? frame.subarray(22, 28) : undefined;
}

function neighbour(frame: Uint8Array, type: number, address: IpAddress): Uint8Array | undefined {
  const icmp = frame.subarray(ETHERNET + IPV6_HEADER);
  if (type !== ETHERTYPE_IPV6 || familyOf(address) !== "inet6" || icmp.length < SOLICITATION_LENGTH) return undefined;
  if (frame[ETHERNET + 6] !== ICMPV6 || frame[ETHERNET + 7] !== 255 || icmp[0] !== ADVERTISEMENT) return undefined;
  return Buffer.compare(icmp.subarray(8, 24), bytesOfIp(address)) === 0 ? frame.subarray(6, 12) : undefined;
}

const macText = (mac: Uint8Array): string => Array.from(mac, (octet) => octet.toString(16).padStart(2, "0")).join(":");
