import { createHmac, timingSafeEqual } from "node:crypto";
import type { Family, IpAddress } from "../address.js";
import type { PeerState } from "./guard.js";

/**
 * One heartbeat on the wire, 68 octets, numbers in network order:
 *   0 "hfGB"   4 version 1   5 flags   6 family (4, 6)   7 VRID   8 state   9 priority   10 zero (2)
 *   12 session of the sender (6)   18 its number (6)   24 session (6) and 30 number (6) of what it heard last
 *   36 HMAC-SHA256 of source address, destination address and all before; zero without a key
 * A session is a random number of each start: a message counts only when it repeats the receiver's own.
 */
export interface Heartbeat {
  readonly family: Family;
  readonly vrid: number;
  readonly state: PeerState;
  readonly priority: number;
  /** An answer is wanted at once. */
  readonly asks: boolean;
  /** It takes over from a master that it hears. */
  readonly preempts: boolean;
  readonly session: number;
  readonly number: number;
  /** Of the peer's; 0: nothing heard of it. */
  readonly heardSession: number;
  readonly heardNumber: number;
}

export interface Route {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

export const HEARTBEAT_LENGTH = 68;
const SIGNED = 36;
const MAGIC = 0x68664742;
const VERSION = 1;
const ASKS = 1;
const PREEMPTS = 2;
const WIDE = 6;
const states: readonly PeerState[] = ["INIT", "BACKUP", "CANDIDATE", "MASTER", "FAULT", "STOP"]; // append only

export function encodeHeartbeat(beat: Heartbeat, route: Route, key: string | undefined): Buffer {
  const bytes = Buffer.alloc(HEARTBEAT_LENGTH);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes[4] = VERSION;
  bytes[5] = (beat.asks ? ASKS : 0) | (beat.preempts ? PREEMPTS : 0);
  bytes[6] = beat.family === "inet" ? 4 : 6;
  bytes[7] = beat.vrid;
  bytes[8] = states.indexOf(beat.state);
  bytes[9] = beat.priority;
  bytes.writeUIntBE(beat.session, 12, WIDE);
  bytes.writeUIntBE(beat.number, 18, WIDE);
  bytes.writeUIntBE(beat.heardSession, 24, WIDE);
  bytes.writeUIntBE(beat.heardNumber, 30, WIDE);
  if (key !== undefined) signature(bytes, route, key).copy(bytes, SIGNED);
  return bytes;
}

/** Family and VRID of what may be a heartbeat, before anything is believed. */
export function channelOf(bytes: Uint8Array): number | undefined {
  if (bytes.length !== HEARTBEAT_LENGTH || bytes[0] !== 0x68 || bytes[1] !== 0x66) return undefined;
  return channel(bytes[6] === 6 ? "inet6" : "inet", bytes[7] ?? 0);
}

export const channel = (family: Family, vrid: number): number => (family === "inet6" ? 256 : 0) + vrid;

/** @returns what is wrong when it is none, in a word or two that can be counted */
export function decodeHeartbeat(bytes: Buffer, route: Route, key: string | undefined): Heartbeat | string {
  if (bytes.length !== HEARTBEAT_LENGTH) return "length";
  if (bytes.readUInt32BE(0) !== MAGIC || bytes[4] !== VERSION) return "format";
  const state = states[bytes[8] ?? states.length];
  const family = bytes[6];
  const flags = bytes[5] ?? 0;
  if (state === undefined || (family !== 4 && family !== 6) || flags > (ASKS | PREEMPTS)) return "format";
  const signed = bytes.subarray(SIGNED);
  const wanted = key === undefined ? Buffer.alloc(signed.length) : signature(bytes, route, key);
  if (!timingSafeEqual(signed, wanted)) return "signature";
  return {
    family: family === 4 ? "inet" : "inet6",
    vrid: bytes[7] ?? 0,
    state,
    priority: bytes[9] ?? 0,
    asks: (flags & ASKS) !== 0,
    preempts: (flags & PREEMPTS) !== 0,
    session: bytes.readUIntBE(12, WIDE),
    number: bytes.readUIntBE(18, WIDE),
    heardSession: bytes.readUIntBE(24, WIDE),
    heardNumber: bytes.readUIntBE(30, WIDE),
  };
}

/** With the addresses: a message cannot be sent back to where it came from, or to another peer. */
const signature = (bytes: Buffer, { from, to }: Route, key: string): Buffer =>
  createHmac("sha256", key).update(`${from} ${to} `).update(bytes.subarray(0, SIGNED)).digest();
