import { type Family, familyOf, type IpAddress } from "../../address.js";
import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import { type Arg, type Context, contextAt } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { Encap } from "../model-routes.js";
import { type OptionTable, type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { suggest } from "../suggest.js";
import { type Named, named } from "./named.js";
import { address as anyAddress, nameOrNumber, u8, wideNumber } from "./net-args.js";

/** An encapsulation before its names are looked up. */
export type EncapDraft = Exclude<Encap, { readonly kind: "ip" | "ip6" }> | TunnelDraft;

export interface TunnelDraft {
  readonly kind: "ip" | "ip6";
  id?: string;
  destination?: IpAddress;
  source?: IpAddress;
  trafficClass?: Named;
  hopLimit?: number;
  flags?: number;
}

const { field, option } = optionsFor<TunnelDraft>();

const addressOf = (family: Family): Arg<IpAddress> => {
  const what = family === "inet" ? "IPv4 address" : "IPv6 address";
  return {
    shape: `<${what}>`,
    parse(text) {
      const address = anyAddress.parse(text);
      return address.ok && familyOf(address.value) !== family ? { ok: false, why: `is not an ${what}` } : address;
    },
  };
};

/** `tos` and `ttl` of IPv4 are `tc` and `hoplimit` of IPv6. */
const tunnelOptions = (family: Family): Readonly<Record<string, OptionWord<TunnelDraft>>> => ({
  id: field("id", wideNumber, { onInvalid: "drop-entry", doc: "Tunnel id." }),
  dst: field("destination", addressOf(family), { onInvalid: "drop-entry", doc: "Far end of the tunnel." }),
  src: field("source", addressOf(family), { onInvalid: "drop-entry", doc: "Near end of the tunnel." }),
  [family === "inet" ? "tos" : "tc"]: option({
    args: [nameOrNumber("name", 255)],
    apply: (draft, [name], { at }) => {
      draft.trafficClass = named(name, at);
    },
    doc: "Type of service of the outer packets.",
  }),
  [family === "inet" ? "ttl" : "hoplimit"]: field("hopLimit", u8, {
    onInvalid: "drop-entry",
    doc: "Hop limit of the outer packets.",
  }),
  flags: field("flags", integer(0, 65_535), { onInvalid: "drop-entry", doc: "Tunnel flags." }),
});

const tunnels = { ip: tunnelOptions("inet"), ip6: tunnelOptions("inet6") };

const labels: Arg<readonly number[]> = {
  shape: "<label>[/<label>...]",
  parse(text) {
    const value = text.split("/").map((label) => (/^\d{1,7}$/.test(label) ? Number(label) : Number.NaN));
    const ok = value.every((label) => label < 2 ** 20);
    return ok ? { ok, value } : { ok: false, why: "is not a list of MPLS labels (0 to 1048575) with / between them" };
  },
};

const locator: Arg<string> = {
  shape: "<hex>:<hex>:<hex>:<hex>",
  parse: (text) =>
    /^[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){3}$/.test(text)
      ? { ok: true, value: text.toLowerCase() }
      : { ok: false, why: "is not a locator of four groups of hexadecimal digits" },
};

/** What may follow `encap`; read by `takeEncap`, listed here for tools. */
export const encapOptions: OptionTable = {
  ip: { args: [], apply: () => undefined, options: tunnels.ip, doc: "IPv4 tunnel metadata; needs dst or id." },
  ip6: { args: [], apply: () => undefined, options: tunnels.ip6, doc: "IPv6 tunnel metadata; needs dst or id." },
  mpls: { args: [labels], apply: () => undefined, doc: "MPLS label stack." },
  ila: { args: [locator], apply: () => undefined, doc: "Locator of identifier-locator addressing." },
};

/** An encapsulation that cannot be used is left out (`encap` undefined) after reporting. */
export interface TakenEncap {
  readonly encap: EncapDraft | undefined;
  /** Words that belong to it. */
  readonly taken: number;
}

export function takeEncap(rest: readonly Word[], context: Context): TakenEncap {
  const { diagnostics } = context;
  const [kind, value] = rest;
  const write = "write: encap ip|ip6|mpls|ila ...";
  if (kind === undefined) {
    diagnostics.error("CFG_BAD_VALUE", context.at, "Missing encap type", write);
    return { encap: undefined, taken: 0 };
  }
  switch (kind.text) {
    case "ip":
    case "ip6":
      return takeTunnel(kind.text, rest.slice(1), contextAt(context, kind));
    case "mpls":
      return takeValue(labels, value, contextAt(context.named("mpls"), kind), (list) => ({
        kind: "mpls",
        labels: list,
      }));
    case "ila":
      return takeValue(locator, value, contextAt(context.named("ila"), kind), (text) => ({
        kind: "ila",
        locator: text,
      }));
    default: {
      const meant = suggest(kind.text, Object.keys(encapOptions));
      const hint = meant === undefined ? write : `did you mean '${meant}'?`;
      diagnostics.error("CFG_BAD_VALUE", kind.at, `Unknown encap type - ${kind.text}`, hint);
      return { encap: undefined, taken: 1 + wordsOf(meant, rest.slice(1)) };
    }
  }
}

function takeValue<T>(
  arg: Arg<T>,
  value: Word | undefined,
  context: Context,
  make: (parsed: T) => EncapDraft,
): TakenEncap {
  if (value === undefined) {
    reportMissing(context, 2, arg.shape);
    return { encap: undefined, taken: 1 };
  }
  const parsed = arg.parse(value.text);
  if (parsed.ok) return { encap: make(parsed.value), taken: 2 };
  const message = `encap ${context.keyword} '${value.text}' ${parsed.why} - the encapsulation is left out`;
  context.diagnostics.error("CFG_BAD_VALUE", value.at, message, `write: encap ${context.keyword} ${arg.shape}`);
  return { encap: undefined, taken: 2 };
}

/** How many words belong to an encapsulation of this kind. */
function wordsOf(kind: string | undefined, rest: readonly Word[]): number {
  if (kind === undefined) return 0;
  if (kind !== "ip" && kind !== "ip6") return Math.min(1, rest.length);
  let own = 0;
  for (let next = rest[0]; next !== undefined && Object.hasOwn(tunnels[kind], next.text); next = rest[own]) own += 2;
  return Math.min(own, rest.length);
}

function takeTunnel(kind: "ip" | "ip6", rest: readonly Word[], context: Context): TakenEncap {
  const table = tunnels[kind];
  const words = rest.slice(0, wordsOf(kind, rest));
  const taken = 1 + words.length;
  const draft: TunnelDraft = { kind };
  if (!readOptions(draft, words, context, { table, of: `encap ${kind}`, scope: "a route" })) {
    return { encap: undefined, taken };
  }
  if (draft.id !== undefined || draft.destination !== undefined) return { encap: draft, taken };
  const message = `address or id missing for ${kind} encapsulation - it is left out`;
  context.diagnostics.error("CFG_INCOMPLETE", context.at, message, `write: encap ${kind} id <number> or dst <address>`);
  return { encap: undefined, taken };
}
