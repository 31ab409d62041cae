import { type Family, familyOf } from "../../address.js";
import { reportMissing } from "../apply.js";
import { choice, interfaceName, seconds } from "../args.js";
import { type Arg, type Context, contextAt } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type OptionTable, type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { named } from "./named.js";
import { address, anywhere, nameOrNumber, prefixArg, prefixOrAny, u8, u32 } from "./net-args.js";
import { hopOptions, nexthopTable, readNexthops, readVia, viaArgs } from "./nexthop.js";
import { claimFamily, type RouteDraft } from "./route-draft.js";
import { metricOptions } from "./route-metrics.js";
import { trackGroupOption } from "./track-group.js";

const { field, flag, option } = optionsFor<RouteDraft>();

/** RTN_* of linux/rtnetlink.h, in its order. */
export const routeTypes = [
  "unspec",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
  "nat",
  "xresolve",
] as const;

const target = option({
  args: [prefixOrAny],
  apply: (draft, [prefix], context) => {
    draft.destination = { prefix, text: prefix === undefined ? "default" : `${prefix.address}/${prefix.length}` };
    return claimFamily(draft, prefix?.address, context);
  },
  onInvalid: "drop-entry",
  doc: "Introduces the destination.",
});

const typed = (type: number): OptionWord<RouteDraft> => ({
  ...target,
  take: (draft, rest, context) => {
    const [destination] = rest;
    if (destination === undefined) {
      reportMissing(context.named(routeTypes[type] ?? String(type)), 2, prefixOrAny.shape);
      return undefined;
    }
    draft.type = type;
    return readDestination(draft, destination, context) ? 1 : undefined;
  },
  doc: "Type of the route; the destination follows.",
});

/** keepalived skips the word after it unread. */
const familyWord = (family: Family) =>
  option({
    args: [],
    apply: () => undefined,
    take: (draft, [skipped], { diagnostics, at }) => {
      if (draft.family !== undefined && draft.family !== family) {
        const message = `${family} specified for ${family === "inet" ? "IPv6" : "IPv4"} route - the route is left out`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "addresses say the family already: remove it");
        return undefined;
      }
      draft.family = family;
      if (skipped === undefined) return 0;
      const message = `'${skipped.text}' after ${family} is skipped, as keepalived does`;
      diagnostics.warn(
        "CFG_ADVICE",
        skipped.at,
        message,
        `write ${family} twice, or not at all: addresses say the family`,
      );
      return 1;
    },
    doc: "Fixes the family; the word after it is skipped.",
  });

const name = (key: "tos" | "table" | "vrf" | "protocol" | "scope", what: string, most: number, doc: string) =>
  option({
    args: [key === "vrf" ? interfaceName : nameOrNumber(what, most)],
    apply: (draft, [text], { at }) => {
      draft[key] = named(text, at);
    },
    onInvalid: "drop-entry",
    doc,
  });

const metric = field("metric", u32, { onInvalid: "drop-entry", doc: "Metric; the lowest one wins." });
const tos = name("tos", "name", 255, "Type of service.");

/** A gateway says the family too. */
const via = option({
  args: viaArgs,
  apply: () => undefined,
  take: (draft, rest, context) => {
    const found = readVia(rest, context);
    if (found === undefined || !claimFamily(draft, found.address, context)) return undefined;
    draft.gateway = found.address;
    return found.taken;
  },
  doc: "Gateway.",
});

const or = option({
  args: [address],
  apply: (draft, [gateway], context) => {
    if (!claimFamily(draft, gateway, context)) return false;
    draft.otherGateway ??= gateway;
    return undefined;
  },
  onInvalid: "drop-entry",
  deprecated: { instead: "nexthop" },
  doc: "Second gateway.",
});

/** Types take the word after them, so they stand beside the options. */
const typeOptions = Object.fromEntries(
  routeTypes.flatMap((word, type) => (word === "unspec" ? [] : [[word, typed(type)] as const])),
);

const preferences = { medium: 0, high: 1, low: 3 } as const;

export const routeOptions: Readonly<Record<string, OptionWord<RouteDraft>>> = {
  to: target,
  default6: option({
    args: [],
    apply: (draft, _values, context) => {
      draft.destination = { prefix: anywhere("inet6"), text: "default6" };
      return claimFamily(draft, "::", context);
    },
    deprecated: { instead: "::/0", silent: true },
    doc: "Everywhere, in IPv6.",
  }),
  ...typeOptions,
  brd: typed(routeTypes.indexOf("broadcast")),
  inet: familyWord("inet"),
  inet6: familyWord("inet6"),
  src: option({
    args: [address],
    apply: (draft, [source], context) => {
      draft.source = source;
      return claimFamily(draft, source, context);
    },
    onInvalid: "drop-entry",
    doc: "Preferred source address.",
  }),
  from: option({
    args: [prefixArg],
    apply: (draft, [from], context) => {
      if (familyOf(from.address) === "inet") {
        const message = `route from address only supported with IPv6 (${from.address}) - the route is left out`;
        context.diagnostics.error("CFG_BAD_VALUE", context.at, message, "use a rule for IPv4");
        return false;
      }
      draft.from = from;
      return claimFamily(draft, from.address, context);
    },
    onInvalid: "drop-entry",
    doc: "Packets from here only, IPv6 only.",
  }),
  via,
  gw: { ...via, deprecated: { instead: "via" }, aliasOf: "via" },
  or,
  ...hopOptions,
  oif: { ...hopOptions.dev, aliasOf: "dev" },
  tos,
  dsfield: { ...tos, aliasOf: "tos" },
  table: { ...name("table", "name", 0xffff_ffff, "Routing table."), default: "main" },
  vrf: name("vrf", "interface", 0, "The table of a VRF interface."),
  protocol: { ...name("protocol", "name", 255, "Protocol that the route is from."), default: "keepalived" },
  scope: { ...name("scope", "name", 255, "Scope of the route, IPv4 only."), default: "global" },
  metric,
  priority: { ...metric, aliasOf: "metric" },
  preference: { ...metric, aliasOf: "metric" },
  expires: field("expires", seconds(0, 0xffff_ffff, 0), { onInvalid: "drop-entry", doc: "Lifetime, IPv6 only." }),
  ...metricOptions,
  pref: option({
    args: [preferenceArg()],
    apply: (draft, [preference]) => {
      draft.preference = preference;
    },
    onInvalid: "drop-entry",
    default: "medium",
    doc: "Router preference, IPv6 only.",
  }),
  "ttl-propagate": option({
    args: [choice("enabled", "disabled")],
    apply: (draft, [value]) => {
      draft.ttlPropagate = value === "enabled";
    },
    doc: "Whether an MPLS label's time to live follows the packet's.",
  }),
  add: insertion("add", "Fails when a matching route exists."),
  prepend: { ...insertion("prepend", "Goes before matching routes."), default: "prepend" },
  append: insertion("append", "Goes after matching routes."),
  no_track: flag("noTrack", { doc: "Losing the route affects nobody." }),
};

/** For static routes only: instances of a group fault with the route. */
export const staticRouteOptions: Readonly<Record<string, OptionWord<RouteDraft>>> = {
  ...routeOptions,
  track_group: trackGroupOption<RouteDraft>("route"),
};

/** Hops end the line; they are read on their own. */
const nexthop = { args: [], apply: () => undefined, options: nexthopTable, doc: "Begins a hop of a multipath route." };

/** Read by the metrics that take it. */
const lock = {
  args: [],
  apply: () => undefined,
  doc: "Before the value of some metrics: the kernel does not change it.",
};

/** For tools. */
export const routeTable: OptionTable = { ...routeOptions, lock, nexthop };
export const staticRouteTable: OptionTable = { ...staticRouteOptions, lock, nexthop };

function preferenceArg(): Arg<number> {
  return {
    shape: "low|medium|high|<0..255>",
    words: Object.keys(preferences),
    parse: (text) =>
      text === "low" || text === "medium" || text === "high" ? { ok: true, value: preferences[text] } : u8.parse(text),
  };
}

function insertion(how: "add" | "prepend" | "append", doc: string) {
  return option({
    args: [],
    apply: (draft) => {
      draft.insertion = how;
    },
    doc,
  });
}

/** One line of a block of routes; undefined: it is left out, after reporting. */
export function parseRouteLine(
  words: readonly [Word, ...Word[]],
  context: Context,
  table = routeOptions,
): RouteDraft | undefined {
  const draft: RouteDraft = { at: words[0].at, plain: {}, times: {}, hops: [] };
  const nexthopAt = words.findIndex(({ text }) => text === "nexthop");
  const own = nexthopAt === -1 ? words : words.slice(0, nexthopAt);
  const unknown = (word: Word): boolean => readBareWord(draft, word, context);
  if (!readOptions(draft, own, context, { table, of: "a route", scope: "a route", unknown })) return undefined;
  if (nexthopAt !== -1) readNexthops(draft, words.slice(nexthopAt + 1), context);
  if (draft.typeWord !== undefined) {
    reportMissing(context.named(draft.typeWord), 2, prefixOrAny.shape);
    return undefined;
  }
  if (draft.destination !== undefined) return draft;
  const message = "Route must have a destination - the route is left out";
  context.diagnostics.error(
    "CFG_INCOMPLETE",
    draft.at,
    message,
    "write: <address>/<length> via <address> dev <interface>",
  );
  return undefined;
}

/** A word that is no option: the destination, or the number of a type before it. */
function readBareWord(draft: RouteDraft, word: Word, context: Context): boolean {
  const type = u8.parse(word.text);
  if (draft.typeWord === undefined && type.ok && type.note === undefined) {
    draft.type = type.value;
    draft.typeWord = word.text;
    return true;
  }
  delete draft.typeWord;
  return readDestination(draft, word, context);
}

function readDestination(draft: RouteDraft, word: Word, context: Context): boolean {
  const parsed = prefixOrAny.parse(word.text);
  if (!parsed.ok) {
    const hint = didYouMean(word.text, Object.keys(routeTable)) ?? "write a destination: <address>/<length> or default";
    const message = `unknown route keyword ${word.text} - the route is left out`;
    context.diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, message, hint);
    return false;
  }
  if (parsed.note !== undefined) {
    context.diagnostics.warn("CFG_ADJUSTED", word.at, `route '${word.text}' ${parsed.note}`);
  }
  draft.destination = { prefix: parsed.value, text: word.text };
  return claimFamily(draft, parsed.value?.address, contextAt(context, word));
}
