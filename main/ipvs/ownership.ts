import type { Family } from "../address.js";
import type { Protocol } from "../config/model.js";
import { port } from "../units.js";
import { destinationPrint } from "./fingerprint.js";
import { INET_UNION_BYTES, readAddress, writeAddress } from "./ip-codec.js";
import type { Destination, DestinationId, ServiceId } from "./table.js";

/** One kernel entry that is ours, as it is kept outside of the process: at most 48 octets of key, 32 bits of print. */
export interface OwnershipRecord {
  /** Printable ASCII; names the service, or the destination with its service. */
  readonly key: string;
  /** What we last wrote there: fingerprint.ts. */
  readonly print: number;
}

export interface OwnedEntry {
  readonly service: ServiceId;
  /** Undefined: the record is about the service itself. */
  readonly destination: DestinationId | undefined;
}

const INET6 = 0x01;
const FWMARK = 0x02;
const PROTOCOL_SHIFT = 2;
const protocols: readonly Protocol[] = ["TCP", "UDP", "SCTP"];
/** Flags, address and port: 19 octets, which are 24 characters; a destination's key is two such parts. */
const PART_BYTES = 1 + INET_UNION_BYTES + 2;

export const ownershipKey = (service: ServiceId, destination?: DestinationId): string =>
  destination === undefined ? servicePart(service) : servicePart(service) + destinationPart(destination);

/** The key of a service, and the beginning of the keys of its destinations. */
export function servicePart({ family, match }: ServiceId): string {
  if (match.kind === "address") {
    const protocol = protocols.indexOf(match.protocol) << PROTOCOL_SHIFT;
    return toBase85(writeEndpoint(scratch, familyFlag(family) | protocol, family, match));
  }
  scratch[0] = familyFlag(family) | FWMARK;
  scratchView.setUint32(1, match.fwmark);
  return toBase85(5);
}

/** The end of the key of a destination. */
export const destinationPart = (destination: DestinationId): string =>
  toBase85(writeEndpoint(scratch, familyFlag(destination.family), destination.family, destination));

/** @param service the key of the service that they belong to */
export const destinationRecord = (service: string, destination: Destination): OwnershipRecord => ({
  key: service + destinationPart(destination),
  print: destinationPrint(destination),
});

/** Undefined for what is no key: it comes from another version, or from a process that died while writing. */
export function parseOwnershipKey(key: string): OwnedEntry | undefined {
  const entry = parseParts(key);
  return entry !== undefined && ownershipKey(entry.service, entry.destination) === key ? entry : undefined;
}

function parseParts(key: string): OwnedEntry | undefined {
  const serviceFlags = flagsOf(key);
  const serviceEnd = characters(serviceFlags & FWMARK ? 5 : endpointBytes(serviceFlags));
  const service = readService(fromBase85(key.slice(0, serviceEnd)));
  if (service === undefined || key.length === serviceEnd) return service && { service, destination: undefined };
  const rest = key.slice(serviceEnd);
  if (rest.length !== characters(endpointBytes(flagsOf(rest)))) return undefined;
  const bytes = fromBase85(rest);
  return bytes && { service, destination: readEndpoint(bytes) };
}

const SCRATCH_BYTES = 4 * Math.ceil(PART_BYTES / 4);
const scratch = Buffer.alloc(SCRATCH_BYTES);
const textScratch = Buffer.alloc(SCRATCH_BYTES * 2);
const scratchView = new DataView(scratch.buffer, scratch.byteOffset, SCRATCH_BYTES);

const familyFlag = (family: Family): number => (family === "inet6" ? INET6 : 0);
const familyOfFlags = (flags: number): Family => (flags & INET6 ? "inet6" : "inet");
const addressBytes = (family: Family): number => (family === "inet6" ? INET_UNION_BYTES : 4);
const endpointBytes = (flags: number): number => 1 + addressBytes(familyOfFlags(flags)) + 2;

/** From the first group: every part is longer. */
const flagsOf = (key: string): number => fromBase85(key.slice(0, 5))?.[0] ?? 0;

function readService(bytes: Buffer | undefined): ServiceId | undefined {
  const flags = bytes?.[0];
  if (bytes === undefined || flags === undefined) return undefined;
  const family = familyOfFlags(flags);
  if (flags & FWMARK)
    return bytes.length === 5 ? { family, match: { kind: "fwmark", fwmark: bytes.readUInt32BE(1) } } : undefined;
  const protocol = protocols[flags >> PROTOCOL_SHIFT];
  if (protocol === undefined || bytes.length !== endpointBytes(flags)) return undefined;
  const { address, port: servicePort } = readEndpoint(bytes);
  return { family, match: { kind: "address", protocol, address, port: servicePort } };
}

/** @returns the number of octets written */
function writeEndpoint(
  bytes: Buffer,
  flags: number,
  family: Family,
  endpoint: Pick<DestinationId, "address" | "port">,
): number {
  bytes[0] = flags;
  const end = 1 + addressBytes(family);
  writeAddress(bytes, endpoint.address, family, 1);
  bytes[end] = endpoint.port >> 8;
  bytes[end + 1] = endpoint.port & 255;
  return end + 2;
}

function readEndpoint(bytes: Buffer): DestinationId {
  const family = familyOfFlags(bytes[0] ?? 0);
  return { family, address: readAddress(bytes, family, 1), port: port(bytes.readUInt16BE(1 + addressBytes(family))) };
}

/** Ascii85's arithmetic with 85 printable characters in a row, from `!` on; n octets of a last, short group are n + 1. */
const FIRST_DIGIT = 33;
const characters = (octets: number): number => octets + Math.ceil(octets / 4);

/** Of the first `length` octets of `scratch`. Written out digit by digit: this runs for every destination of a large table. */
function toBase85(length: number): string {
  scratch.fill(0, length);
  for (let at = 0, out = 0; at < length; at += 4, out += 5) {
    const value = scratchView.getUint32(at);
    const upper = Math.floor(value / 85 ** 2);
    const lower = value - upper * 85 ** 2;
    const top = Math.floor(upper / 85 ** 2);
    const middle = upper - top * 85 ** 2;
    textScratch[out] = FIRST_DIGIT + top;
    textScratch[out + 1] = FIRST_DIGIT + Math.floor(middle / 85);
    textScratch[out + 2] = FIRST_DIGIT + (middle % 85);
    textScratch[out + 3] = FIRST_DIGIT + Math.floor(lower / 85);
    textScratch[out + 4] = FIRST_DIGIT + (lower % 85);
  }
  return textScratch.toString("latin1", 0, characters(length));
}

function fromBase85(text: string): Buffer | undefined {
  const octets: number[] = [];
  for (let at = 0; at < text.length; at += 5) {
    const digits = Math.min(5, text.length - at);
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const digit = i < digits ? text.charCodeAt(at + i) - FIRST_DIGIT : 84; // rounds up, so that truncation is exact
      if (digit < 0 || digit >= 85) return undefined;
      value = value * 85 + digit;
    }
    if (digits === 1 || value > 0xffffffff) return undefined;
    for (let i = 0; i < digits - 1; i++) octets.push(Math.floor(value / 256 ** (3 - i)) % 256);
  }
  return Buffer.from(octets);
}
