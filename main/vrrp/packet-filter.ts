import { endianness } from "node:os";
import type { Family } from "../address.js";
import { AH_BYTES } from "./ah.js";

/**
 * What the kernel may keep from us, as a classic BPF program (linux/filter.h): a flood of what is nobody's here costs no time of
 * the main thread, and fills no queue in which adverts wait.
 */

export interface FilterSpec {
  readonly family: Family;
  /** Packets have an authentication header. */
  readonly ah: boolean;
  /** Where packets must go; used for IPv4 only, because IPv6 sockets are bound to theirs. */
  readonly destination: Uint8Array;
  readonly multicast: boolean;
  /** Virtual routers here, in any order and as often as they come. */
  readonly routers: readonly { readonly vrid: number; readonly version: 2 | 3 }[];
  /**
   * Under a flood also what every instance would drop after a short look, but for a sample that is counted and logged as usual:
   * another version or type, and multicast that came over a router.
   */
  readonly flooded: boolean;
}

/** linux/filter.h, linux/bpf_common.h */
const LD_WORD = 0x20;
const LD_BYTE = 0x30;
const LD_HALF_X = 0x48;
const LDX_IP_HEADER = 0xb1;
const LDX_NUMBER = 0x01;
const AND = 0x54;
const JUMP = 0x05;
const JEQ = 0x15;
const RETURN = 0x06;
/** The kernel's random number, and what lies before the data of an IPv6 socket: its header. */
const RANDOM = -0x1000 + 56;
const NETWORK_HEADER = -0x100000;
const WHOLE = 0xffff;
/** A jump reaches so far. */
const MOST_TESTS = 255;
/** One of so many is let through under a flood; a power of two. */
const SAMPLE = 256;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number];

const plain = (code: number, k: number): Instruction => [code, 0, 0, k];

/** @returns the program, 8 octets for each instruction */
export function packetFilter(spec: FilterSpec): Uint8Array {
  const byVersion = new Set(spec.routers.map(({ vrid, version }) => (version << 12) | 0x100 | vrid));
  const flooded = spec.flooded && byVersion.size <= MOST_TESTS;
  const wanted = flooded ? byVersion : new Set(spec.routers.map(({ vrid }) => vrid));
  const tests = [...wanted].map((value, i): Instruction => [JEQ, wanted.size - i, 0, value]);
  const reject = flooded ? sampled : [plain(RETURN, 0)];
  const body = [
    ...loads(spec, flooded),
    plain(LD_HALF_X, spec.ah ? AH_BYTES : 0), // version, type and VRID
    ...(flooded ? [] : [plain(AND, 0xff)]),
    ...tests,
    REJECT,
    plain(RETURN, WHOLE),
  ];
  return encode([...body, ...reject], body.length);
}

/** Stands for a jump to what comes last. */
const REJECT: Instruction = plain(JUMP, -1);

/** What is asked before the virtual router; afterwards X is where the payload begins. */
function loads({ family, destination, multicast }: FilterSpec, flooded: boolean): readonly Instruction[] {
  const must = (k: number): readonly Instruction[] => [[JEQ, 1, 0, k], REJECT];
  const isIpv4 = family === "inet";
  const ttl = flooded && multicast ? [plain(LD_BYTE, isIpv4 ? 8 : NETWORK_HEADER + 7), ...must(255)] : [];
  if (!isIpv4) return [...ttl, plain(LDX_NUMBER, 0)];
  const group = Buffer.from(destination).readUInt32BE();
  return [plain(LD_WORD, 16), ...must(group), ...ttl, plain(LDX_IP_HEADER, 0)];
}

const sampled: readonly Instruction[] = [
  plain(LD_WORD, RANDOM),
  plain(AND, SAMPLE - 1),
  [JEQ, 0, 1, 0],
  plain(RETURN, WHOLE),
  plain(RETURN, 0),
];

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k }, in the order of this machine. */
function encode(program: readonly Instruction[], reject: number): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  const little = endianness() === "LE";
  for (const [at, instruction] of program.entries()) {
    const [code, whenTrue, whenFalse, k] = instruction;
    view.setUint16(at * 8, code, little);
    view.setUint8(at * 8 + 2, whenTrue);
    view.setUint8(at * 8 + 3, whenFalse);
    view.setInt32(at * 8 + 4, instruction === REJECT ? reject - at - 1 : k | 0, little);
  }
  return bytes;
}
