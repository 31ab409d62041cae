import { AH_BYTES } from "./ah.js";
import { assemble, bpf, type Instruction, type Line, oneOf } from "./bpf.js";
import type { ChecksumForm } from "./checksum.js";
import { HMAC_BYTES } from "./hmac-trailer.js";
import { AUTH_DATA, VRRP_HEADER } from "./packet.js";
import type { FilterSpec } from "./packet-filter.js";

/**
 * The filter under a flood: what an instance would drop without looking at signatures stays in the kernel, but for a sample.
 * Over IPv6 the kernel has compared checksums before. What has an IP header with options is a case for the sample: no router
 * sends such adverts.
 */

/** What adverts of a router have to look like, as far as a filter can see that. */
export interface AdvertShape {
  /** Addresses in it as they are configured; others are admitted as well while they are few. */
  readonly addresses: number;
  /** Version 2: octet 4, and octet 5, which is the interval in seconds. */
  readonly authType: number;
  readonly seconds: number;
  /** Version 2 over IPv4: what stands behind the addresses; undefined: anything. */
  readonly authData: Uint8Array | undefined;
  /** Any of these is right. */
  readonly checksums: readonly ChecksumForm[];
  /** A trailer may follow. */
  readonly hmac: boolean;
  /** Nobody else's adverts are used; undefined: everybody's are. Octets of addresses. */
  readonly senders: readonly Uint8Array[] | undefined;
}

/** One of so many is let through; powers of two. */
const SAMPLE = 256;
/** Of those that look right, but come from somebody of whom nothing good is known: it may be a new master. */
const SAMPLE_OF_STRANGERS = 16;
/** What lies before the data of an IPv6 socket: its header (SKF_NET_OFF). */
const NETWORK_HEADER = -0x100000;
/** Messages with so many addresses are summed whatever is configured: somebody may be ahead of us with a change. */
const USUAL_ADDRESSES = 32;
/** More senders than these are not told apart: a jump would be too far. */
const MOST_SENDERS = 24;
/** More intervals than these are not told apart, for the same reason. Instances that share a router by their peers have one each. */
const MOST_PAIRS = 250;
const IPV4_WITHOUT_OPTIONS = 0x45;
const IPPROTO_VRRP = 112;
const BASE = 20;
const [END, SUM, HALF] = [0, 1, 2];

/** @returns undefined when it would be too long, or would have to know more than there is */
export function floodFilter(spec: FilterSpec): Uint8Array | undefined {
  const shapes = { 2: shapesOf(spec, 2), 3: shapesOf(spec, 3) };
  const routers = [...new Set(spec.routers.map(({ vrid, version }) => (version << 12) | 0x100 | vrid))];
  const isIpv4 = spec.family === "inet";
  const base = isIpv4 ? BASE + (spec.ah ? AH_BYTES : 0) : 0;
  const judged = isIpv4 && shapes[2] !== undefined && shapes[3] !== undefined;
  return assemble([
    ...(isIpv4 ? ipv4Header(spec) : []),
    ...(spec.multicast ? [bpf.byte(isIpv4 ? 8 : NETWORK_HEADER + 7), ...oneOf([255], "reject")] : []),
    bpf.half(base),
    ...oneOf(routers, "reject"),
    ...allowed(spec, [...(shapes[2] ?? []), ...(shapes[3] ?? [])]),
    ...(judged ? judgement(base, shapes[2] ?? [], shapes[3] ?? []) : []),
    ...strangers(spec),
    bpf.accept,
    { label: "reject" },
    ...sampled(SAMPLE),
  ]);
}

/** Undefined: of one of them nobody knows. */
function shapesOf({ routers }: FilterSpec, version: 2 | 3): readonly AdvertShape[] | undefined {
  const shapes: AdvertShape[] = [];
  for (const router of routers) {
    if (router.version !== version) continue;
    const shape = router.shape?.();
    if (shape === undefined) return undefined;
    shapes.push(shape);
  }
  return shapes;
}

const ipv4Header = ({ destination }: FilterSpec): readonly Line[] => [
  bpf.word(16),
  ...oneOf([Buffer.from(destination).readUInt32BE()], "reject"),
  bpf.byte(0),
  ...oneOf([IPV4_WITHOUT_OPTIONS], "reject"),
];

const sampled = (of: number): readonly Line[] => [
  bpf.random,
  bpf.and(of - 1),
  bpf.ifEquals(0, 0, 1),
  bpf.accept,
  bpf.drop,
];

/** Unicast: adverts of others than the peers are of no use to anybody here. */
function allowed(spec: FilterSpec, shapes: readonly AdvertShape[]): readonly Line[] {
  if (shapes.length < spec.routers.length || shapes.some(({ senders }) => senders === undefined)) return [];
  const senders = distinct(shapes.flatMap((shape) => shape.senders ?? []));
  if (senders.length > MOST_SENDERS) return [];
  return [...fromOneOf(spec, senders, "allowed"), { goto: "reject" }, { label: "allowed" }];
}

function strangers(spec: FilterSpec): readonly Line[] {
  const senders = distinct(spec.senders ?? []);
  if (spec.senders === undefined || senders.length > MOST_SENDERS) return [];
  return [...fromOneOf(spec, senders, "known"), ...sampled(SAMPLE_OF_STRANGERS), { label: "known" }];
}

/** Goes to `then` when one of them sent it, else on. */
function fromOneOf({ family }: FilterSpec, senders: readonly Uint8Array[], then: string): readonly Line[] {
  return senders.flatMap((sender): Line[] => {
    const bytes = Buffer.from(sender);
    if (family === "inet") return [bpf.word(12), bpf.ifEquals(bytes.readUInt32BE(), 0, 1), { goto: then }];
    const words = [0, 4, 8, 12].flatMap((at): Line[] => [
      bpf.word(NETWORK_HEADER + 8 + at),
      bpf.ifEquals(bytes.readUInt32BE(at), 0, 7 - at / 2),
    ]);
    return [...words, { goto: then }];
  });
}

const distinct = (all: readonly Uint8Array[]): readonly Uint8Array[] => [
  ...new Map(all.map((bytes) => [Buffer.from(bytes).toString("hex"), bytes])).values(),
];

/** Length, checksum, and in version 2 what must be equal at both ends. */
function judgement(base: number, two: readonly AdvertShape[], three: readonly AdvertShape[]): readonly Line[] {
  const longest = Math.max(USUAL_ADDRESSES, ...[...two, ...three].map(({ addresses }) => addresses));
  const hmac = [...two, ...three].some((shape) => shape.hmac);
  const words = 2 + longest + (two.length > 0 ? AUTH_DATA / 4 : 0);
  return [
    bpf.byte(base + 3),
    bpf.shiftLeft(2),
    bpf.add(base + VRRP_HEADER),
    bpf.store(END),
    bpf.byte(base),
    bpf.ifEquals(0x31, 0, 1),
    { goto: "length" },
    ...(two.length > 0 ? versionTwoHeader(base, two) : []),
    { label: "length" },
    bpf.loadX(END),
    bpf.length,
    ...(hmac ? [bpf.ifEqualsX(3, 0), bpf.subtract(HMAC_BYTES)] : []),
    bpf.ifEqualsX(1, 0),
    { goto: "reject" },
    ...summed(base, words),
    { label: "summed" },
    ...(two.length > 0 && three.length > 0
      ? ([bpf.fromX, bpf.store(SUM), bpf.byte(base), bpf.ifEquals(0x31, 0, 1), { goto: "three" }] as const)
      : ([bpf.fromX, bpf.store(SUM)] as const)),
    ...(two.length > 0 ? [...isZero("sum2"), { goto: "reject" }, { label: "sum2" }, ...password(two)] : []),
    { label: "three" },
    ...(three.length > 0 ? versionThreeSum(base, three) : []),
    { label: "good" },
  ];
}

function versionTwoHeader(base: number, shapes: readonly AdvertShape[]): readonly Line[] {
  const pairs = [...new Set(shapes.map(({ authType, seconds }) => (authType << 8) | (seconds & 0xff)))];
  const known = pairs.length > MOST_PAIRS ? [] : [bpf.half(base + 4), ...oneOf(pairs, "reject")];
  return [...known, bpf.load(END), bpf.add(AUTH_DATA), bpf.store(END)];
}

/** X = sum of the message's words with end-around carry (RFC 1071); those that are too long are rejected. */
function summed(base: number, words: number): readonly Line[] {
  const lines: Line[] = [bpf.x(0)];
  for (let i = 0; i <= words; i++) {
    const at = base + 4 * i;
    if (i >= VRRP_HEADER / 4) lines.push(bpf.load(END), bpf.ifEquals(at, 0, 1), { goto: "summed" });
    if (i < words) lines.push(bpf.word(at), ...addCarry);
  }
  return [...lines, { goto: "reject" }];
}

/** X = A + X with end-around carry. */
const addCarry: readonly Instruction[] = [bpf.addX, bpf.ifAtLeastX(1, 0), bpf.add(1), bpf.toX];

/** Goes to `then` when X is a right checksum's sum. */
const isZero = (then: string): readonly Line[] => [
  bpf.fromX,
  bpf.shiftRight(16),
  bpf.store(HALF),
  bpf.fromX,
  bpf.and(0xffff),
  bpf.loadX(HALF),
  bpf.addX,
  bpf.ifEquals(0xffff, 1, 0),
  bpf.ifEquals(0x1fffe, 0, 1),
  { goto: then },
];

/** With the pseudo header of RFC 5798 §5.2.8, and other forms where they are configured. */
function versionThreeSum(base: number, shapes: readonly AdvertShape[]): readonly Line[] {
  const forms = shapes.flatMap(({ checksums }) => checksums);
  const groups = distinct(forms.filter((form): form is Uint8Array => typeof form !== "string"));
  return [
    ...(forms.includes("as-v2") ? [bpf.loadX(SUM), ...isZero("good")] : []),
    bpf.load(END),
    bpf.add(IPPROTO_VRRP - base),
    bpf.loadX(SUM),
    ...addCarry,
    bpf.word(12),
    ...addCarry,
    bpf.fromX,
    bpf.store(SUM),
    bpf.word(16),
    ...addCarry,
    ...isZero("good"),
    ...groups.flatMap((group) => [
      bpf.x(Buffer.from(group).readUInt32BE()),
      bpf.load(SUM),
      ...addCarry,
      ...isZero("good"),
    ]),
    { goto: "reject" },
  ];
}

/** Of all that are configured here: which one belongs to which router is asked later. */
function password(shapes: readonly AdvertShape[]): readonly Line[] {
  const passwords = distinct(shapes.flatMap(({ authData }) => authData ?? []));
  if (shapes.some(({ authData }) => authData === undefined)) return [{ goto: "good" }];
  return [
    bpf.load(END),
    bpf.subtract(AUTH_DATA),
    bpf.toX,
    ...passwords.flatMap((data): Line[] => [
      bpf.wordAtX(0),
      bpf.ifEquals(Buffer.from(data).readUInt32BE(), 0, 3),
      bpf.wordAtX(4),
      bpf.ifEquals(Buffer.from(data).readUInt32BE(4), 0, 1),
      { goto: "good" },
    ]),
    { goto: "reject" },
  ];
}
