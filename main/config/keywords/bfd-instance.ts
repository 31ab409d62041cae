import type { Family, IpAddress } from "../../address.js";
import { type Milliseconds, ms } from "../../units.js";
import { choice, integer, ipArg, optional, switchArg } from "../args.js";
import { type Arg, alias, keywordsFor, type Scope } from "../keyword.js";
import type { SourcePosition } from "../model.js";

/** What one `bfd_instance` block said. */
export interface BfdInstanceDraft {
  readonly name: string;
  readonly at: SourcePosition;
  sourceIp?: IpAddress;
  neighborIp?: IpAddress;
  /** Its address was wrong: the whole session is dropped. */
  spoiled?: boolean;
  minRx?: Milliseconds;
  minTx?: Milliseconds;
  idleTx?: Milliseconds;
  multiplier?: number;
  passive?: boolean;
  ttl?: number;
  maxHops?: number;
  multihop?: boolean;
  weight?: number;
  reverse?: boolean;
  vrrp?: boolean;
  checker?: boolean;
}

const keyword = keywordsFor<BfdInstanceDraft>();

/** keepalived logs what is longer, and takes it. */
const SENSIBLE = 10_000;

/** Milliseconds with up to three decimals. */
const milliseconds = (lo: number): Arg<Milliseconds> => ({
  shape: `<ms: ${lo}..4294967>`,
  parse(text) {
    const match = /^(\d{1,7})(?:\.(\d{0,3})(\d*))?$/.exec(text);
    const value = Number(match?.[1]) + Number((match?.[2] ?? "").padEnd(3, "0")) / 1000;
    const fits = match !== null && value >= lo && value <= 4_294_967;
    if (!fits) return { ok: false, why: `is not between ${lo} and 4294967 milliseconds` };
    const more = match[3] ?? "";
    return {
      ok: true,
      value: ms(value),
      ...(more === "" ? {} : { note: `has more than 3 decimals; ${value} is used` }),
    };
  },
});

const time = (field: "minRx" | "minTx" | "idleTx", least: number, standard: string, doc: string) =>
  keyword.value({
    args: [milliseconds(least)],
    apply: (draft, [value], { keyword: name, at, diagnostics }) => {
      draft[field] = value;
      if (value <= SENSIBLE) return;
      diagnostics.warn("CFG_ADVICE", at, `${name} ${value} ms is very long`, `${name} counts in milliseconds`);
    },
    default: standard,
    doc,
  });

const neighbor = keyword.value({
  args: [
    {
      shape: "<IP address>",
      // A wrong one spoils the session, so it is taken and judged below.
      parse: (text) => ({ ok: true, value: text }),
    },
  ],
  apply: (draft, [text], { keyword: name, at, diagnostics }) => {
    const parsed = ipArg().parse(text);
    if (parsed.ok) draft.neighborIp = parsed.value;
    else {
      draft.spoiled = true;
      const message = `Configuration error: BFD instance ${draft.name} has malformed neighbor address ${text}, ignoring instance`;
      diagnostics.error("CFG_BAD_VALUE", at, message, `write: ${name} ADDRESS`);
    }
  },
  doc: "Remote end of the session; mandatory.",
});

const ttl = keyword.field("ttl", integer(1, 255), {
  default: "255; IPv6 packets are taken from 64 on",
  doc: "TTL or hop limit of packets sent, and with max_hops the least of those taken.",
});

export const bfdInstanceScope: Scope<BfdInstanceDraft> = {
  name: "bfd_instance",
  keywords: {
    source_ip: keyword.field("sourceIp", ipArg(), { default: "the kernel's choice", doc: "Local end of the session." }),
    neighbor_ip: neighbor,
    neighbour_ip: alias(neighbor, "neighbor_ip"),
    min_rx: time("minRx", 1, "10", "Shortest interval at which packets are taken."),
    min_tx: time("minTx", 1, "10", "Shortest interval at which packets are sent."),
    idle_tx: time("idleTx", 1000, "1000", "Interval of sending while the session is down."),
    multiplier: keyword.field("multiplier", integer(1, 255), {
      default: "5",
      doc: "Packets missed in a row that take the session down.",
    }),
    passive: keyword.flag("passive", { default: "off", doc: "Waits for the other side to begin." }),
    ttl,
    hoplimit: alias(ttl, "ttl"),
    max_hops: keyword.value({
      args: [integer(-1, 255)],
      apply: (draft, [hops]) => {
        draft.maxHops = hops === -1 ? 255 : hops;
      },
      default: "0",
      doc: "By how much the TTL of packets received may be lower; -1 and 255: any.",
    }),
    multihop: keyword.field("multihop", switchArg, {
      default: "false",
      since: "2.2.8",
      doc: "Uses port 4784, for sessions over several hops.",
    }),
    weight: keyword.value({
      args: [integer(-253, 253), optional(choice("reverse"), undefined)],
      apply: (draft, [weight, sense]) => {
        draft.weight = weight;
        draft.reverse = sense === "reverse";
      },
      default: "0",
      doc: "Weight for track_bfd lines that name none.",
    }),
    vrrp: keyword.flag("vrrp", {
      default: "vrrp and checker",
      doc: "Only VRRP is told of changes; with checker: both.",
    }),
    checker: keyword.flag("checker", {
      default: "vrrp and checker",
      doc: "Only checkers are told of changes; with vrrp: both.",
    }),
  },
};

/** RFC 5881 §5; routers take no packet with less. */
export const STANDARD_TTL = 255;

/** What packets of the other side begin with, where nothing is said: keepalived sends 64 by IPv6. */
export const takenTtl = (family: Family): number => (family === "inet" ? STANDARD_TTL : 64);

/** @param ttl that packets of the other side begin with */
export const leastTtlOf = (ttl: number, maxHops: number): number => (maxHops === 255 ? 0 : ttl - maxHops);
