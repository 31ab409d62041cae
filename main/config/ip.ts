import { isIP } from "node:net";
import { type Family, type IpAddress, isDottedQuad } from "../address.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";

/** @returns the address in canonical text (as inet_ntop prints it), or undefined when `text` is none. */
export function parseIp(text: string): IpAddress | undefined {
  if (isDottedQuad(text)) return text; // there is one way to write it
  // A zone (`fe80::1%eth0`) is no part of an address in this language.
  const version = isIP(text);
  if (version === 4) return text; // it has one spelling only
  return version === 0 || text.includes("%") ? undefined : ipOfBytes(bytesOfIp(text));
}

export function isMulticast(address: IpAddress, family: Family): boolean {
  const first = bytesOfIp(address)[0] ?? 0;
  return family === "inet" ? first >= 224 && first <= 239 : first === 0xff;
}

export const isLinkLocal6 = (address: IpAddress): boolean => /^fe[89ab]/.test(address);

/** Host bits of an IPv4 address all ones (`brd +`) or all zeros (`brd -`). */
export function withHostBits(address: IpAddress, prefix: number, ones: boolean): IpAddress {
  const bytes = bytesOfIp(address);
  for (let bit = prefix; bit < 32; bit++) {
    const mask = 0x80 >> (bit & 7);
    const byte = bytes[bit >> 3] ?? 0;
    bytes[bit >> 3] = ones ? byte | mask : byte & ~mask;
  }
  return ipOfBytes(bytes);
}
