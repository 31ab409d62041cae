import { assemble, bpf, type Line, oneOf } from "../vrrp/bpf.js";
import { PACKET_BYTES } from "./packet.js";

/**
 * What the kernel keeps from us, as a classic BPF program over the UDP header and what follows: whoever floods the port has to know
 * a discriminator, or to write a neighbour's address, and in both cases to be as near as the TTL says (RFC 5881 §5).
 */
export interface FilterSpec {
  readonly ipv6: boolean;
  /** The lowest TTL that any session takes. */
  readonly leastTtl: number;
  readonly discriminators: readonly number[];
  /** Of neighbours, 4 or 16 octets: they begin without knowing our discriminator. */
  readonly neighbors: readonly Uint8Array[];
}

/** Where the network header begins (linux/filter.h SKF_NET_OFF). */
const NETWORK = -0x100000;
const UDP_HEADER = 8;
const YOUR_DISCRIMINATOR = UDP_HEADER + 8;
/** What one run of conditional jumps reaches. */
const MOST_TESTS = 250;

/** Hears everything: in the place of a filter that is too long, because the one before it does not know new sessions. */
export const openFilter = assemble([bpf.accept]) ?? new Uint8Array();

/** @returns a program, 8 octets for each instruction; too long ones become `openFilter` */
export function packetFilter({ ipv6, leastTtl, discriminators, neighbors }: FilterSpec): Uint8Array {
  const [ttl, source] = ipv6 ? [NETWORK + 7, NETWORK + 8] : [NETWORK + 8, NETWORK + 12];
  const lastWord = ipv6 ? source + 12 : source; // of IPv6 it is enough to tell neighbours from the rest
  const words = [...new Set(neighbors.map((bytes) => Buffer.from(bytes).readUInt32BE(bytes.length - 4)))];
  const program = assemble([
    bpf.x(UDP_HEADER + PACKET_BYTES),
    bpf.length,
    bpf.ifAtLeastX(1, 0),
    { goto: "reject" },
    bpf.byte(UDP_HEADER),
    bpf.shiftRight(5),
    bpf.ifEquals(1, 1, 0),
    { goto: "reject" },
    bpf.x(leastTtl),
    bpf.byte(ttl),
    bpf.ifAtLeastX(1, 0),
    { goto: "reject" },
    bpf.word(YOUR_DISCRIMINATOR),
    bpf.ifEquals(0, 0, 1),
    { goto: "begins" },
    ...acceptAny(discriminators, "discriminators"),
    { goto: "reject" },
    { label: "begins" },
    bpf.word(lastWord),
    ...acceptAny(words, "neighbors"),
    { label: "reject" },
    bpf.drop,
  ]);
  return program ?? openFilter;
}

function acceptAny(values: readonly number[], name: string): readonly Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < values.length; at += MOST_TESTS) {
    const next = `${name} ${at}`;
    lines.push(...oneOf(values.slice(at, at + MOST_TESTS), next), bpf.accept, { label: next });
  }
  return lines;
}
