/** BFD control packets (RFC 5880 §4.1), without authentication. */

export const PACKET_BYTES = 24;
/** With the header of an authentication section. */
const AUTHENTICATED_BYTES = 26;
const VERSION = 1;

export const states = ["AdminDown", "Down", "Init", "Up"] as const;
/** In the order of their numbers on the wire. */
export type StateName = (typeof states)[number];

/** By their numbers on the wire, in the RFC's words. */
export const diagnostics = [
  "No Diagnostic",
  "Control Detection Time Expired",
  "Echo Function Failed",
  "Neighbor Signaled Session Down",
  "Forwarding Plane Reset",
  "Path Down",
  "Concatenated Path Down",
  "Administratively Down",
  "Reverse Concatenated Path Down",
] as const;

/** Numbers that no RFC has given a meaning are shown as they are: a newer system may know more. */
export const diagnosticText = (number: number): string => diagnostics[number] ?? `Unknown (${number})`;

export const diag = { none: 0, expired: 1, neighborDown: 3, adminDown: 7 } as const;

export interface ControlPacket {
  readonly diag: number;
  readonly state: StateName;
  readonly poll: boolean;
  readonly final: boolean;
  readonly demand: boolean;
  readonly multiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  /** Microseconds, as the others. */
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
}

/** Why a datagram is no packet for any session here: the rules of RFC 5880 §6.8.6, in its order. */
export type Refusal =
  | "version"
  | "length"
  | "multiplier"
  | "multipoint"
  | "my-discriminator"
  | "your-discriminator"
  | "poll-and-final"
  | "authentication";

const POLL = 0x20;
const FINAL = 0x10;
const AUTHENTICATION = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

/** @param length of the datagram, which may be more than `bytes` holds of it */
export function decode(bytes: Uint8Array, length: number = bytes.length): ControlPacket | Refusal {
  if (length < PACKET_BYTES || bytes.length < PACKET_BYTES) return "length";
  const view = new DataView(bytes.buffer, bytes.byteOffset, PACKET_BYTES);
  const first = view.getUint8(0);
  const flags = view.getUint8(1);
  if (first >> 5 !== VERSION) return "version";
  const authenticated = (flags & AUTHENTICATION) !== 0;
  const said = view.getUint8(3);
  if (said < (authenticated ? AUTHENTICATED_BYTES : PACKET_BYTES) || said > length) return "length";
  const packet: ControlPacket = {
    diag: first & 0x1f,
    state: states[flags >> 6] ?? "AdminDown",
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    demand: (flags & DEMAND) !== 0,
    multiplier: view.getUint8(2),
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    desiredMinTx: view.getUint32(12),
    requiredMinRx: view.getUint32(16),
  };
  if (packet.multiplier === 0) return "multiplier";
  if ((flags & MULTIPOINT) !== 0) return "multipoint";
  if (packet.myDiscriminator === 0) return "my-discriminator";
  const began = packet.state === "Init" || packet.state === "Up";
  if (packet.yourDiscriminator === 0 && began) return "your-discriminator";
  if (packet.poll && packet.final) return "poll-and-final";
  return authenticated ? "authentication" : packet;
}

/** Writes the whole packet: there is one buffer for each session. */
export function encode(packet: ControlPacket, out: Buffer): void {
  out[0] = (VERSION << 5) | packet.diag;
  out[1] =
    (states.indexOf(packet.state) << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.demand ? DEMAND : 0);
  out[2] = packet.multiplier;
  out[3] = PACKET_BYTES;
  out.writeUInt32BE(packet.myDiscriminator, 4);
  out.writeUInt32BE(packet.yourDiscriminator, 8);
  out.writeUInt32BE(packet.desiredMinTx, 12);
  out.writeUInt32BE(packet.requiredMinRx, 16);
  out.writeUInt32BE(0, 20); // no echo packets wanted
}
