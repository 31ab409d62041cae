import type { Family } from "../address.js";
import type { Prefix } from "../config/model-routes.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";

/** linux/socket.h */
export const AF_INET = 2;
export const AF_INET6 = 10;

export const familyNumber = (family: Family): number => (family === "inet" ? AF_INET : AF_INET6);

/** @returns undefined for families that are none of ours (bridge, MPLS, multicast routing) */
export function familyOfNumber(number: number): Family | undefined {
  if (number === AF_INET) return "inet";
  return number === AF_INET6 ? "inet6" : undefined;
}

/** The network of a prefix: the kernel refuses routes with host bits, and rules keep them. */
export function networkBytes({ address, length }: Prefix): Buffer {
  const bytes = bytesOfIp(address);
  for (let i = 0; i < bytes.length; i++) {
    const bits = Math.min(8, Math.max(0, length - i * 8));
    bytes[i] = (bytes[i] ?? 0) & (0xff00 >> bits);
  }
  return bytes;
}

/** `10.0.0.0/8`; `any` for a prefix of no length, however it is written. */
export function prefixText(prefix: Prefix | undefined): string {
  if (prefix === undefined || prefix.length === 0) return "any";
  return `${ipOfBytes(networkBytes(prefix))}/${prefix.length}`;
}

/** As `prefixText`, of what a message holds. */
export function prefixTextOf(octets: Buffer | undefined, length: number): string {
  if (octets === undefined || length === 0) return "any";
  return `${ipOfBytes(octets)}/${length}`;
}
