import { assemble, bpf, oneOf } from "./bpf.js";
import { HEARTBEAT_LENGTH } from "./heartbeat-message.js";

/**
 * What the kernel keeps from us in a flood of heartbeats, as classic BPF over the UDP header and what follows: whatever does not repeat
 * a session of ours. A session is a random number, which only those know who hear what we send.
 */

const UDP_HEADER = 8;
/** Of a session its last four octets: enough to make guesses rare. */
const OWN_WORD = 14;
const HEARD_WORD = 26;
/** What one run of conditional jumps reaches. */
const MOST_SESSIONS = 250;

/** Hears everything. */
export const openFilter: Uint8Array = assemble([bpf.accept]) ?? new Uint8Array();

/** Of a heartbeat of ours: what the filter looks for in those of the peer. */
export const sessionWord = (heartbeat: Buffer): number => heartbeat.readUInt32BE(OWN_WORD);

/** @param words see `sessionWord` @returns undefined: more sessions than it has room for */
export function sessionFilter(words: readonly number[]): Uint8Array | undefined {
  if (words.length > MOST_SESSIONS) return undefined;
  return assemble([
    bpf.length,
    bpf.ifEquals(UDP_HEADER + HEARTBEAT_LENGTH, 1, 0),
    { goto: "reject" },
    bpf.word(UDP_HEADER + HEARD_WORD),
    ...oneOf(words, "reject"),
    bpf.accept,
    { label: "reject" },
    bpf.drop,
  ]);
}
