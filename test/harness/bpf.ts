import assert from "node:assert/strict";
import { endianness } from "node:os";

/** SKF_AD_OFF + SKF_AD_RANDOM, SKF_NET_OFF (linux/filter.h) */
const RANDOM = (-0x1000 + 56) >>> 0;
const NETWORK = -0x100000;
const MASK = 0xffffffffn;

/**
 * Classic BPF (linux/filter.h) as far as our filters go, in a machine of our own; test/netns/flood.test.ts has them in the kernel.
 * @param dataAt where the data of the socket begins within `whole` @returns how many octets of the packet are taken; a load out of bounds
 * takes none
 */
export function runBpf(program: Uint8Array, whole: Uint8Array, dataAt: number, random: number): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const little = endianness() === "LE";
  const memory = new Array<number>(16).fill(0);
  let [a, x] = [0, 0];
  const load = (at: number, size: number): number | undefined => {
    const start = at >= NETWORK && at < 0 ? at - NETWORK : at + dataAt;
    if (start < 0 || start + size > whole.length) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (whole[start + i] ?? 0);
    return value;
  };
  const u32 = (value: bigint): number => Number(value & MASK);
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const op = code.getUint16(pc * 8, little);
    const [t, f] = [code.getUint8(pc * 8 + 2), code.getUint8(pc * 8 + 3)];
    const k = code.getUint32(pc * 8 + 4, little);
    let loaded: number | undefined;
    switch (op) {
      case 0x20:
      case 0x28:
      case 0x30:
      case 0x40:
      case 0x48: {
        if (op === 0x20 && k === RANDOM) loaded = random;
        else loaded = load(op >= 0x40 ? x + k : k | 0, { 32: 4, 40: 2, 48: 1, 64: 4, 72: 2 }[op]);
        if (loaded === undefined) return 0;
        a = loaded;
        break;
      }
      case 0x80:
        a = whole.length - dataAt;
        break;
      case 0x60:
        a = memory[k] ?? 0;
        break;
      case 0x61:
        x = memory[k] ?? 0;
        break;
      case 0xb1:
        loaded = load(k, 1);
        if (loaded === undefined) return 0;
        x = (loaded & 15) * 4;
        break;
      case 0x01:
        x = k;
        break;
      case 0x02:
        memory[k] = a;
        break;
      case 0x04:
        a = u32(BigInt(a) + BigInt(k));
        break;
      case 0x0c:
        a = u32(BigInt(a) + BigInt(x));
        break;
      case 0x14:
        a = u32(BigInt(a) - BigInt(k));
        break;
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x64:
        a = u32(BigInt(a) << BigInt(k));
        break;
      case 0x74:
        a = a >>> k;
        break;
      case 0x07:
        x = a;
        break;
      case 0x87:
        a = x;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        pc += a === k ? t : f;
        break;
      case 0x1d:
        pc += a === x ? t : f;
        break;
      case 0x3d:
        pc += a >= x ? t : f;
        break;
      case 0x06:
        return k;
      default:
        assert.fail(`instruction ${op}`);
    }
  }
  assert.fail("the program has no end");
}
