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
