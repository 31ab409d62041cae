import { isIPv4, isIPv6 } from "node:net";
import type { Family, IpAddress } from "../address.js";

/** @returns the address in canonical text (as inet_ntop prints it), or undefined when `text` is none. */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return text;
  // A zone (`fe80::1%eth0`) is no part of an address in this language.
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return formatIpv6(groupsOf(text));
}

/** 4 or 16 bytes, network order. */
export function ipBytes(address: IpAddress): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [i, group] of groupsOf(address).entries()) view.setUint16(i * 2, group);
  return bytes;
}

export const formatIpv4 = (bytes: Uint8Array): IpAddress => bytes.join(".");

export function isMulticast(address: IpAddress, family: Family): boolean {
  const first = ipBytes(address)[0] ?? 0;
  return family === "inet" ? first >= 224 && first <= 239 : first === 0xff;
}

export const isLinkLocal6 = (address: IpAddress): boolean => /^fe[89ab]/.test(address);

/** Host bits of an IPv4 address all ones (`brd +`) or all zeros (`brd -`). */
export function withHostBits(address: IpAddress, prefix: number, ones: boolean): IpAddress {
  const bytes = ipBytes(address);
  for (let bit = prefix; bit < 32; bit++) {
    const mask = 0x80 >> (bit & 7);
    const byte = bytes[bit >> 3] ?? 0;
    bytes[bit >> 3] = ones ? byte | mask : byte & ~mask;
  }
  return formatIpv4(bytes);
}

/** `text` passed isIPv6. */
function groupsOf(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = dotted === null ? text : `${dotted[1]}${pair(dotted[2], dotted[3])}:${pair(dotted[4], dotted[5])}`;
  const [head = "", tail] = hex.split("::");
  const front = parseGroups(head);
  const back = tail === undefined ? [] : parseGroups(tail);
  const middle = tail === undefined ? 0 : 8 - front.length - back.length;
  return [...front, ...new Array<number>(middle).fill(0), ...back];
}

const parseGroups = (text: string): number[] => (text === "" ? [] : text.split(":").map((g) => Number.parseInt(g, 16)));
const pair = (hi: string | undefined, lo: string | undefined): string => (Number(hi) * 256 + Number(lo)).toString(16);

/** RFC 5952, with the dotted tail of IPv4-mapped and IPv4-compatible addresses that glibc's inet_ntop prints. */
function formatIpv6(groups: readonly number[]): IpAddress {
  const run = longestZeroRun(groups);
  const zerosInFront = run.start === 0 ? run.length : 0;
  if (zerosInFront === 6 || (zerosInFront === 5 && groups[5] === 0xffff)) {
    const tail = groups.slice(6).flatMap((g) => [g >> 8, g & 255]);
    return `::${zerosInFront === 5 ? "ffff:" : ""}${tail.join(".")}`;
  }
  const hex = groups.map((g) => g.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  }
  return best;
}
