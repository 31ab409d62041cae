import { isIPv4, isIPv6 } from "node:net";
import type { IpAddress } from "./address.js";

/** 4 or 16 octets in network order, like inet_pton(3). @throws RangeError when `text` is no address (or has a zone) */
export function bytesOfIp(text: IpAddress): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) throw new RangeError(`not an IP address: ${text}`);
  return bytesOfIpv6(text);
}

/** Canonical text of 4 or 16 octets, like inet_ntop(3). @throws RangeError on another length */
export function ipOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 octets, not ${bytes.length}`);
  return textOfIpv6(bytes);
}

function bytesOfIpv6(text: string): Buffer {
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const bytes = Buffer.alloc(16);
  before.forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  after.forEach((group, i) => {
    bytes.writeUInt16BE(group, 16 - (after.length - i) * 2);
  });
  return bytes;
}

/** The 16-bit groups of one side of `::`; a dotted quad at the end is two of them. */
function groupsOf(side: string): number[] {
  if (side === "") return [];
  return side.split(":").flatMap((part) => {
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function textOfIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2));
  const zeros = longestZeros(groups);
  // As glibc: IPv4-mapped and the deprecated IPv4-compatible addresses end in a dotted quad.
  const quad = zeros.start === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff));
  const shown = groups.slice(0, quad ? 6 : 8).map((group) => group.toString(16));
  if (quad) shown.push(bytes.subarray(12).join("."));
  if (zeros.length < 2) return shown.join(":");
  return `${shown.slice(0, zeros.start).join(":")}::${shown.slice(zeros.start + zeros.length).join(":")}`;
}

/** The first of the longest runs of zero groups (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}
