import type { Family } from "../address.js";
import { AH_BYTES } from "./ah.js";
import { assemble, bpf, type Line, oneOf } from "./bpf.js";
import { type AdvertShape, floodFilter } from "./flood-filter.js";

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
  readonly routers: readonly FilteredRouter[];
  /** Under a flood also what every instance would drop, but for a sample that is counted and logged as usual. */
  readonly flooded: boolean;
  /** Under a flood of what passes even so: octets of the senders that have sent good adverts; of all others a sample. */
  readonly senders?: readonly Uint8Array[] | undefined;
  /** Unknown virtual routers are to be heard too, unless there is a flood. */
  readonly unknown?: boolean | undefined;
}

export interface FilteredRouter {
  readonly vrid: number;
  readonly version: 2 | 3;
  /** What its adverts have to look like, asked under a flood only; undefined: nobody knows. */
  readonly shape?: (() => AdvertShape) | undefined;
}

/** A conditional jump reaches so far. */
const MOST_TESTS = 255;

/** @returns the program, 8 octets for each instruction */
export function packetFilter(spec: FilterSpec): Uint8Array {
  const byVersion = new Set(spec.routers.map(({ vrid, version }) => `${version} ${vrid}`));
  const flooded = spec.flooded && byVersion.size < MOST_TESTS ? floodFilter(spec) : undefined;
  return flooded ?? assemble(everyday(spec)) ?? new Uint8Array();
}

function everyday({ family, ah, destination, routers, unknown }: FilterSpec): readonly Line[] {
  const wanted = [...new Set(routers.map(({ vrid }) => vrid))];
  const here = family === "inet" ? [bpf.word(16), ...oneOf([Buffer.from(destination).readUInt32BE()], "reject")] : [];
  const ours = unknown === true ? [] : oneOf(wanted, "reject");
  return [
    ...here,
    family === "inet" ? bpf.ipHeaderX(0) : bpf.x(0), // afterwards X is where the payload begins
    bpf.halfAtX(ah ? AH_BYTES : 0), // version, type and VRID
    bpf.and(0xff),
    ...ours,
    bpf.accept,
    { label: "reject" },
    bpf.drop,
  ];
}
