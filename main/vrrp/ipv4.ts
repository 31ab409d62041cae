import type { IpAddress } from "../address.js";

/** Bytes and numbers of IPv4 addresses, for codecs. */

/** Big-endian number of a dotted address. @throws RangeError when `text` is not one */
export function ipv4ToNumber(text: IpAddress): number {
  const parts = text.split(".");
  const octets = parts.map(Number);
  const fits =
    octets.length === 4 && octets.every((o, i) => Number.isInteger(o) && o >= 0 && o <= 255 && parts[i] !== "");
  if (!fits) throw new RangeError(`not an IPv4 address: ${text}`);
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function numberToIpv4(n: number): IpAddress {
  return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

/** Orders two addresses as the election does: big-endian numbers (RFC 5798 §6.4.3). */
export function compareIpv4(a: IpAddress, b: IpAddress): -1 | 0 | 1 {
  const difference = ipv4ToNumber(a) - ipv4ToNumber(b);
  if (difference === 0) return 0;
  return difference < 0 ? -1 : 1;
}
