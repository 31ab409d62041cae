import { type Family, familyOf, type IpAddress } from "../../address.js";
import { reportMissing } from "../apply.js";
import { choice, integer, interfaceName, optional } from "../args.js";
import { type Context, contextAt } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type OptionTable, type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { encapOptions, takeEncap } from "./encap.js";
import { named } from "./named.js";
import { address, nameOrNumber } from "./net-args.js";
import type { HopDraft, RouteDraft } from "./route-draft.js";

const hops = optionsFor<HopDraft>();

/** Of `via`, for tools: `readVia` reads them. */
export const viaArgs = [optional(choice("inet", "inet6"), undefined), address] as const;

/** `via [inet|inet6] ADDRESS`: the address and how many words it took; undefined after reporting. */
export function readVia(rest: readonly Word[], context: Context): { address: IpAddress; taken: number } | undefined {
  const [first] = rest;
  const family: Family | undefined = first?.text === "inet" || first?.text === "inet6" ? first.text : undefined;
  const word = family === undefined ? first : rest[1];
  if (word === undefined) {
    reportMissing(context.named(family ?? "via"), 2, "<address>");
    return undefined;
  }
  const parsed = address.parse(word.text);
  if (parsed.ok && (family === undefined || familyOf(parsed.value) === family)) {
    return { address: parsed.value, taken: family === undefined ? 1 : 2 };
  }
  const why = parsed.ok ? `is not of family ${family}` : parsed.why;
  context.diagnostics.error("CFG_BAD_VALUE", word.at, `via '${word.text}' of a route ${why}`, "write: via <address>");
  return undefined;
}

/** What a route and its next hops have in common. */
export const hopOptions = {
  dev: hops.option({
    args: [interfaceName],
    apply: (draft, [text], { at }) => {
      draft.device = named(text, at);
    },
    onInvalid: "drop-entry",
    doc: "Output interface.",
  }),
  onlink: hops.flag("onlink", { doc: "The gateway counts as directly reachable." }),
  encap: hops.option({
    args: [],
    apply: () => undefined,
    take: (draft, rest, context) => {
      const { encap, taken } = takeEncap(rest, context);
      if (encap !== undefined) draft.encap = encap;
      return taken;
    },
    options: encapOptions,
    doc: "Lightweight tunnel that packets are put into.",
  }),
  realms: hops.option({
    args: [nameOrNumber("[from/]to", 255)],
    apply: (draft, [text], { at }) => {
      draft.realms = named(text, at);
    },
    doc: "Routing realms, IPv4 only.",
  }),
  as: hops.option({
    args: [],
    apply: () => undefined,
    take: (_draft, rest, context) => {
      const taken = rest[0]?.text === "to" ? 2 : 1;
      if (rest.length < taken) {
        reportMissing(context.named("as"), 2, "[to] <address>");
        return undefined;
      }
      context.diagnostics.error("CFG_BAD_VALUE", context.at, "'as to' is for MPLS only - ignoring", "remove it");
      return taken;
    },
    doc: "Never works for routes: always an error.",
  }),
} as const satisfies Readonly<Record<string, OptionWord<HopDraft>>>;

/** The words after `nexthop`; several hops may follow each other. */
export const nexthopOptions: Readonly<Record<string, OptionWord<HopDraft>>> = {
  ...hopOptions,
  via: hops.option({
    args: viaArgs,
    apply: () => undefined,
    take: (draft, rest, context) => {
      const via = readVia(rest, context);
      if (via !== undefined) draft.gateway = via.address;
      return via?.taken;
    },
    doc: "Gateway.",
  }),
  weight: hops.field("weight", integer(1, 256), { onInvalid: "drop-entry", default: "1", doc: "Share of this hop." }),
};

export const nexthopTable: OptionTable = nexthopOptions;

/** Reads the rest of a line, from the word after the first `nexthop`. A bad hop ends the list; the route stays. */
export function readNexthops(draft: RouteDraft, rest: readonly Word[], context: Context): void {
  for (const words of split(rest)) {
    const hop: HopDraft = {};
    if (!readOptions(hop, words, context, { table: nexthopOptions, of: "a next hop", scope: "a route", unknown }))
      return;
    const { gateway } = hop;
    if (gateway !== undefined) {
      draft.family ??= familyOf(gateway);
      if (draft.family !== familyOf(gateway)) {
        const at = words[0]?.at ?? context.at;
        const message = `Address family mismatch for next hop ${gateway} - this and later hops are left out`;
        context.diagnostics.error("CFG_BAD_VALUE", at, message, "write one route for each family");
        return;
      }
    }
    draft.hops.push(hop);
  }
}

function unknown(word: Word, context: Context): boolean {
  const message = `Route has trailing nonsense after nexthops - ${word.text}`;
  const hint = didYouMean(word.text, Object.keys(nexthopOptions)) ?? "options of the route stand before nexthop";
  contextAt(context, word).diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, message, hint);
  return false;
}

function split(words: readonly Word[]): readonly (readonly Word[])[] {
  const groups: Word[][] = [[]];
  for (const word of words) {
    if (word.text === "nexthop") groups.push([]);
    else groups.at(-1)?.push(word);
  }
  return groups;
}
