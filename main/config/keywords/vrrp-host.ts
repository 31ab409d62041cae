import type { Milliseconds } from "../../units.js";
import { choice, integer, interfaceName, seconds } from "../args.js";
import { type Context, type Keyword, keywordsFor, type Scope } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import type { LinkbeatMethod } from "../model-vrrp.js";
import type { OptionTable } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { type AddressDraft, parseAddressLine, staticAddressOptions } from "./address-line.js";
import { type Named, named } from "./named.js";
import type { RouteDraft } from "./route-draft.js";
import { parseRouteLine, staticRouteOptions, staticRouteTable } from "./route-line.js";
import { parseRuleLine, type RuleDraft, staticRuleOptions } from "./rule-line.js";
import type { TrackGroupDraft } from "./vrrp-groups.js";

/** What is set on the host beside the instances: static entries, and the interfaces themselves. */
export interface HostDraft {
  /** They have to stand before the entries that name them. */
  readonly trackGroups: TrackGroupDraft[];
  readonly staticAddresses: AddressDraft[];
  readonly staticRoutes: RouteDraft[];
  readonly staticRules: RuleDraft[];
  readonly garpGroups: GarpGroupDraft[];
  readonly linkbeat: { readonly interface: Named; readonly method: LinkbeatMethod }[];
  readonly delays: { readonly interface: Named; readonly down: Milliseconds; readonly up: Milliseconds }[];
}

export const newHostDraft = (): HostDraft => ({
  trackGroups: [],
  staticAddresses: [],
  staticRoutes: [],
  staticRules: [],
  garpGroups: [],
  linkbeat: [],
  delays: [],
});

export interface GarpGroupDraft {
  readonly at: SourcePosition;
  garpInterval?: Milliseconds;
  gnaInterval?: Milliseconds;
  readonly interfaces: Named[];
  shared?: boolean;
}

const garp = keywordsFor<GarpGroupDraft>();

const gap = (field: "garpInterval" | "gnaInterval", doc: string) =>
  garp.value({
    args: [seconds(0, 4294.967295, 6)],
    apply: (draft, [value], { diagnostics, at, keyword: name }) => {
      draft[field] = value;
      if (value < 1000) return;
      const message = `The ${name} is very large - ${value / 1000} seconds`;
      diagnostics.warn("CFG_ADVICE", at, message, "a takeover of many addresses takes that long for each");
    },
    doc,
  });

const garpGroupScope: Scope<GarpGroupDraft> = {
  name: "garp_group",
  keywords: {
    garp_interval: gap("garpInterval", "Smallest gap between gratuitous ARPs."),
    gna_interval: gap("gnaInterval", "Smallest gap between unsolicited neighbour adverts."),
    interface: garp.value({
      args: [interfaceName],
      apply: (draft, [name], { at }) => {
        draft.interfaces.push(named(name, at));
      },
      doc: "The interface, when there is only one.",
    }),
    interfaces: garp.list({
      entries: "words",
      shape: "<interface>",
      entry: (draft, [word]) => {
        draft.interfaces.push(named(word.text, word.at));
        draft.shared = true;
      },
      empty: "Warning - empty garp_group interfaces block",
      doc: "Interfaces that share the gap; several may stand on a line.",
    }),
  },
};

const keyword = keywordsFor<HostDraft>();

const methods = ["MII", "ETHTOOL", "IOCTL"] as const;
const methodWords: OptionTable = Object.fromEntries(
  methods.map((word) => [word, { args: [], apply: () => undefined, doc: `Asks by ${word}.` }]),
);

export const hostBlocks: Readonly<Record<string, Keyword<HostDraft>>> = {
  static_ipaddress: keyword.list({
    entries: "lines",
    shape: "<address>[/<prefix>] [<option> ...]",
    options: staticAddressOptions,
    entry: (draft, words, context) => {
      const address = parseAddressLine(words, context, staticAddressOptions);
      if (address !== undefined) draft.staticAddresses.push(withKnownGroup(draft, address, context));
    },
    doc: "Addresses that are on the host whatever the instances do.",
  }),
  static_routes: keyword.list({
    entries: "lines",
    shape: "<destination>[/<prefix>] [<option> ...]",
    options: staticRouteTable,
    entry: (draft, words, context) => {
      const route = parseRouteLine(words, context, staticRouteOptions);
      if (route === undefined) return;
      draft.staticRoutes.push(withKnownGroup(draft, needsDevice(route, route.device, "route", context), context));
    },
    doc: "Routes that are there whatever the instances do.",
  }),
  static_rules: keyword.list({
    entries: "lines",
    shape: "<option> ...",
    options: staticRuleOptions,
    entry: (draft, words, context) => {
      const rule = parseRuleLine(words, context, staticRuleOptions);
      if (rule === undefined) return;
      draft.staticRules.push(withKnownGroup(draft, needsDevice(rule, rule.inputDevice, "rule", context), context));
    },
    doc: "Policy rules that are there whatever the instances do.",
  }),
  garp_group: keyword.block({
    shape: "",
    body: garpGroupScope,
    open: (draft, _header, { at }): GarpGroupDraft => {
      const group: GarpGroupDraft = { at, interfaces: [] };
      draft.garpGroups.push(group);
      return group;
    },
    doc: "Limits the rate of gratuitous ARPs and neighbour adverts of interfaces together.",
  }),
  linkbeat_interfaces: keyword.list({
    entries: "lines",
    shape: "<interface> [MII|ETHTOOL|IOCTL]",
    options: methodWords,
    entry: (draft, [name, word, surplus], context) => {
      const method = methodOf(surplus ?? word, context);
      draft.linkbeat.push({ interface: named(name.text, name.at), method: surplus === undefined ? method : "auto" });
    },
    since: "2.0.13",
    doc: "Interfaces whose link is polled, and how.",
  }),
  interface_up_down_delays: keyword.list({
    entries: "lines",
    shape: "<interface> <down: 0..255> [<up: 0..255>]",
    entry: readDelay,
    since: "2.2.3",
    doc: "How many seconds an interface has to be down or up before it counts.",
  }),
};

interface Grouped {
  trackGroup?: Named;
}

/** What has no interface cannot be watched. */
function needsDevice<T extends Grouped>(
  entry: T,
  device: Named | undefined,
  what: string,
  { diagnostics }: Context,
): T {
  const { trackGroup } = entry;
  if (device !== undefined || trackGroup === undefined) return entry;
  const message = `track_group ${trackGroup.text} of a ${what} without an interface - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", trackGroup.at, message, `write ${what === "rule" ? "iif" : "dev"} <interface>`);
  delete entry.trackGroup;
  return entry;
}

function withKnownGroup<T extends Grouped>({ trackGroups }: HostDraft, entry: T, { diagnostics }: Context): T {
  const { trackGroup } = entry;
  const names = trackGroups.map(({ name }) => name);
  if (trackGroup === undefined || names.includes(trackGroup.text)) return entry;
  const hint =
    didYouMean(trackGroup.text, names) ?? `write before this block: track_group ${trackGroup.text} { group { ... } }`;
  diagnostics.error("CFG_UNKNOWN_NAME", trackGroup.at, `track_group ${trackGroup.text} not found - ignoring`, hint);
  delete entry.trackGroup;
  return entry;
}

function methodOf(word: Word | undefined, { diagnostics }: Context): LinkbeatMethod {
  if (word === undefined) return "auto";
  const parsed = choice(...methods).parse(word.text);
  if (parsed.ok) return parsed.value;
  const hint = didYouMean(word.text, methods) ?? `write one of: ${methods.join(", ")}`;
  diagnostics.error("CFG_BAD_VALUE", word.at, `linkbeat method '${word.text}' ${parsed.why} - ignoring`, hint);
  return "auto";
}

/** keepalived only logs that there are too few or too many words, so the test passes. */
function readDelay(
  draft: HostDraft,
  [name, downWord, upWord, surplus]: readonly [Word, ...Word[]],
  { diagnostics }: Context,
): void {
  const time = integer(0, 255);
  const down = time.parse(downWord?.text ?? "");
  const up = upWord === undefined ? { ok: true as const, value: 0 } : time.parse(upWord.text);
  const hint = "write: <interface> <down: 0..255> [<up: 0..255>]";
  if (!down.ok || !up.ok) {
    const message = `interface_up_down_delays of ${name.text} need one or two numbers from 0 to 255 - the line is left out`;
    if (downWord === undefined) diagnostics.warn("CFG_ADVICE", name.at, message, hint);
    else diagnostics.error("CFG_BAD_VALUE", (down.ok ? upWord : downWord)?.at, message, hint);
    return;
  }
  if (surplus !== undefined) {
    diagnostics.warn("CFG_ADVICE", surplus.at, `'${surplus.text}' after the delays of ${name.text} is ignored`, hint);
  }
  const seconds = (value: number): Milliseconds => (value * 1000) as Milliseconds;
  draft.delays.push({ interface: named(name.text, name.at), down: seconds(down.value), up: seconds(up.value) });
}
