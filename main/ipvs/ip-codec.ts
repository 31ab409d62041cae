import type { Family, IpAddress } from "../address.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";

/** union nf_inet_addr: an IPv4 address uses the first 4 octets, the rest is zero. */
export const INET_UNION_BYTES = 16;

const ZERO = 48;
const DOT = 46;

/** Writes the 4 or 16 octets of `address`. IPv4 in place: this runs for every operation of a large table. */
export function writeAddress(target: Uint8Array, address: IpAddress, family: Family, at = 0): void {
  if (family === "inet6") {
    target.set(bytesOfIp(address), at);
    return;
  }
  let octet = 0;
  let next = at;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === DOT) {
      target[next++] = octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - ZERO;
    }
  }
  target[next] = octet;
}

/** Canonical text of union nf_inet_addr at `at`. @throws RangeError when it has too few octets */
export function readAddress(bytes: Buffer, family: Family, at = 0): IpAddress {
  if (family === "inet") {
    if (bytes.length < at + 4) throw new RangeError(`IPv4 address of ${bytes.length - at} octets`);
    return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  }
  if (bytes.length < at + INET_UNION_BYTES) throw new RangeError(`IPv6 address of ${bytes.length - at} octets`);
  return ipOfBytes(bytes.subarray(at, at + INET_UNION_BYTES));
}
