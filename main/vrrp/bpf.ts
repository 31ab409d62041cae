import { endianness } from "node:os";

/** Classic BPF (linux/filter.h, linux/bpf_common.h): as much of it as our packet filters use. */

export type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, k: number];

/** A place that a `goto` leads to; only forwards, as the kernel wants it. */
export interface Label {
  readonly label: string;
}

/** Leads to a label, however far away it is; conditional jumps reach 255 instructions. */
export interface Goto {
  readonly goto: string;
}

export type Line = Instruction | Label | Goto;

const LD_WORD = 0x20;
const LD_HALF = 0x28;
const LD_BYTE = 0x30;
const LD_WORD_X = 0x40;
const LD_HALF_X = 0x48;
const LD_LENGTH = 0x80;
const LD_MEMORY = 0x60;
const LDX_NUMBER = 0x01;
const LDX_MEMORY = 0x61;
const LDX_IP_HEADER = 0xb1;
const ST = 0x02;
const ADD = 0x04;
const ADD_X = 0x0c;
const SUBTRACT = 0x14;
const AND = 0x54;
const SHIFT_LEFT = 0x64;
const SHIFT_RIGHT = 0x74;
const TAX = 0x07;
const TXA = 0x87;
const JUMP = 0x05;
const JEQ = 0x15;
const JEQ_X = 0x1d;
const JGE_X = 0x3d;
const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_RANDOM. */
const RANDOM = -0x1000 + 56;
const WHOLE = 0xffff;
/** BPF_MAXINSNS */
const MOST_INSTRUCTIONS = 4096;

const plain = (code: number, k = 0): Instruction => [code, 0, 0, k];

export const bpf = {
  /** A = data at k, in host order. Out of bounds: the packet is dropped. */
  word: (k: number) => plain(LD_WORD, k),
  half: (k: number) => plain(LD_HALF, k),
  byte: (k: number) => plain(LD_BYTE, k),
  wordAtX: (k: number) => plain(LD_WORD_X, k),
  halfAtX: (k: number) => plain(LD_HALF_X, k),
  length: plain(LD_LENGTH),
  random: plain(LD_WORD, RANDOM),
  load: (slot: number) => plain(LD_MEMORY, slot),
  store: (slot: number) => plain(ST, slot),
  x: (k: number) => plain(LDX_NUMBER, k),
  loadX: (slot: number) => plain(LDX_MEMORY, slot),
  /** X = length of the IPv4 header at k. */
  ipHeaderX: (k: number) => plain(LDX_IP_HEADER, k),
  toX: plain(TAX),
  fromX: plain(TXA),
  add: (k: number) => plain(ADD, k),
  addX: plain(ADD_X),
  subtract: (k: number) => plain(SUBTRACT, k),
  and: (k: number) => plain(AND, k),
  shiftLeft: (k: number) => plain(SHIFT_LEFT, k),
  shiftRight: (k: number) => plain(SHIFT_RIGHT, k),
  ifEquals: (k: number, whenTrue: number, whenFalse: number): Instruction => [JEQ, whenTrue, whenFalse, k],
  ifEqualsX: (whenTrue: number, whenFalse: number): Instruction => [JEQ_X, whenTrue, whenFalse, 0],
  ifAtLeastX: (whenTrue: number, whenFalse: number): Instruction => [JGE_X, whenTrue, whenFalse, 0],
  accept: plain(RETURN, WHOLE),
  drop: plain(RETURN, 0),
} as const;

/** One of `values` goes on behind this, everything else to `otherwise`. At most 250 values. */
export function oneOf(values: readonly number[], otherwise: string): readonly Line[] {
  const tests = values.map((value, i) => bpf.ifEquals(value, values.length - i, 0));
  return [...tests, { goto: otherwise }];
}

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k }, in the order of this machine. Undefined: too long for the kernel. */
export function assemble(lines: readonly Line[]): Uint8Array | undefined {
  const code: (Instruction | Goto)[] = [];
  const places = new Map<string, number>();
  for (const line of lines) {
    if ("label" in line) places.set(line.label, code.length);
    else code.push(line);
  }
  if (code.length > MOST_INSTRUCTIONS) return undefined;
  const view = new DataView(new ArrayBuffer(code.length * 8));
  for (const [at, line] of code.entries()) write(view, at, "goto" in line ? jump(at, places.get(line.goto)) : line);
  return new Uint8Array(view.buffer);
}

const little = endianness() === "LE";

function write(view: DataView, at: number, [code, whenTrue, whenFalse, k]: Instruction): void {
  if (whenTrue > 255 || whenFalse > 255) throw new RangeError("a conditional jump of a packet filter is too far");
  view.setUint16(at * 8, code, little);
  view.setUint8(at * 8 + 2, whenTrue);
  view.setUint8(at * 8 + 3, whenFalse);
  view.setInt32(at * 8 + 4, k | 0, little);
}

function jump(from: number, to: number | undefined): Instruction {
  if (to === undefined || to <= from) throw new RangeError("a packet filter jumps to nowhere");
  return plain(JUMP, to - from - 1);
}
