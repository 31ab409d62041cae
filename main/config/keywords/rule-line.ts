import { type Family, familyOf, type IpAddress } from "../../address.js";
import { reportMissing } from "../apply.js";
import { integer, interfaceName } from "../args.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import type { NumberRange, Prefix } from "../model-routes.js";
import { type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { type Named, named } from "./named.js";
import { anyBase, fwmarkArg, nameOrNumber, prefixOrAny, rangeArg, u32, wideNumber } from "./net-args.js";
import { trackGroupOption } from "./track-group.js";

/** What one rule line said; names are looked up by validate/rules.ts. */
export interface RuleDraft {
  readonly at: SourcePosition;
  family?: Family;
  from?: Prefix;
  to?: Prefix;
  not?: boolean;
  preference?: number;
  tos?: Named;
  fwmark?: { readonly mark: number; readonly mask: number };
  inputDevice?: Named;
  outputDevice?: Named;
  tunnelId?: string;
  uids?: NumberRange;
  ipProtocol?: Named;
  sourcePorts?: NumberRange;
  destinationPorts?: NumberRange;
  action?: RuleActionDraft;
  realms?: Named;
  suppressPrefixLength?: number;
  suppressGroup?: Named;
  protocol?: number;
  noTrack?: boolean;
  trackGroup?: Named;
}

export type RuleActionDraft =
  | { readonly do: "table"; readonly table: Named }
  | { readonly do: "goto"; readonly preference: number }
  | { readonly do: "nop" | "blackhole" | "unreachable" | "prohibit" | "l3mdev" };

const { field, flag, option } = optionsFor<RuleDraft>();

const selector = (key: "from" | "to", doc: string) =>
  option({
    args: [prefixOrAny],
    apply: (draft, [prefix], context) => {
      if (prefix !== undefined) draft[key] = prefix;
      return prefix === undefined || claimFamily(draft, prefix.address, context);
    },
    onInvalid: "drop-entry",
    default: "any",
    doc,
  });

function claimFamily(draft: RuleDraft, address: IpAddress, { diagnostics, at }: Context): boolean {
  const family = familyOf(address);
  draft.family ??= family;
  if (draft.family === family) return true;
  const message = "rule specification has mixed IPv4 and IPv6 - the rule is left out";
  diagnostics.error("CFG_BAD_VALUE", at, message, "write one rule for each family");
  return false;
}

const familyWord = (family: Family) =>
  option({
    args: [],
    apply: () => undefined,
    take: (draft, [skipped], { diagnostics, at }) => {
      if (draft.family !== undefined && draft.family !== family) {
        const message = "rule specification has mixed IPv4 and IPv6 - the rule is left out";
        diagnostics.error("CFG_BAD_VALUE", at, message, "addresses say the family already: remove it");
        return undefined;
      }
      draft.family = family;
      if (skipped === undefined) return 0;
      const message = `'${skipped.text}' after ${family} is skipped, as keepalived does`;
      diagnostics.warn("CFG_ADVICE", skipped.at, message, `write ${family} twice: the second one is skipped`);
      return 1;
    },
    doc: "Fixes the family; the word after it is skipped.",
  });

function act(draft: RuleDraft, action: RuleActionDraft, { diagnostics, at }: Context): boolean {
  if (draft.action === undefined) {
    draft.action = action;
    return true;
  }
  const words = "table/nop/goto/blackhole/prohibit/unreachable/l3mdev";
  const message = `Cannot specify more than one of ${words} for rule - the rule is left out`;
  diagnostics.error("CFG_BAD_VALUE", at, message, "write one rule for each of them");
  return false;
}

const action = (kind: "nop" | "blackhole" | "unreachable" | "prohibit" | "l3mdev", doc: string) =>
  option({ args: [], apply: (draft, _values, context) => act(draft, { do: kind }, context), doc });

const device = (key: "inputDevice" | "outputDevice", doc: string) =>
  option({
    args: [interfaceName],
    apply: (draft, [name], { at }) => {
      draft[key] = named(name, at);
    },
    onInvalid: "drop-entry",
    doc,
  });

const name = (key: "tos" | "realms" | "suppressGroup" | "ipProtocol", what: string, most: number, doc: string) =>
  option({
    args: [nameOrNumber(what, most)],
    apply: (draft, [text], { at }) => {
      draft[key] = named(text, at);
    },
    onInvalid: "drop-entry",
    doc,
  });

/** keepalived hands any two numbers to the kernel, which refuses what is no range. */
const range = (key: "uids" | "sourcePorts" | "destinationPorts", most: number, doc: string) =>
  option({
    args: [rangeArg],
    apply: (draft, [given], { diagnostics, at }) => {
      draft[key] = given;
      if (given.from <= given.to && given.to <= most) return;
      const message = `'${given.from}-${given.to}' of a rule is no range within 0-${most}; the kernel refuses the rule`;
      diagnostics.warn("CFG_ADVICE", at, message, "write: <low>-<high>");
    },
    onInvalid: key === "uids" ? "drop-entry" : "ignore",
    doc,
  });

const table = option({
  args: [nameOrNumber("name", 0xffff_ffff)],
  apply: (draft, [text], context) => act(draft, { do: "table", table: named(text, context.at) }, context),
  onInvalid: "drop-entry",
  doc: "Action: consults a routing table.",
});

const preference = field("preference", anyBase(0, 0xffff_ffff), {
  onInvalid: "drop-entry",
  default: "counted down from 16384",
  doc: "Position of the rule; the lowest one comes first.",
});
const tos = name("tos", "name", 255, "Type of service to match.");
const input = device("inputDevice", "Input interface to match.");
const prefixLength = field("suppressPrefixLength", integer(0, 0x7fff_ffff), {
  onInvalid: "drop-entry",
  doc: "Routes with a prefix this short or shorter do not count; table rules only.",
});
const group = name(
  "suppressGroup",
  "name",
  0xffff_ffff,
  "Routes through this link group do not count; table rules only.",
);

export const ruleOptions: Readonly<Record<string, OptionWord<RuleDraft>>> = {
  inet: familyWord("inet"),
  inet6: familyWord("inet6"),
  from: selector("from", "Source to match."),
  to: selector("to", "Destination to match."),
  table,
  lookup: { ...table, aliasOf: "table" },
  not: flag("not", { doc: "Matches what the selectors do not." }),
  preference,
  order: { ...preference, aliasOf: "preference" },
  priority: { ...preference, aliasOf: "preference" },
  tos,
  dsfield: { ...tos, aliasOf: "tos" },
  fwmark: field("fwmark", fwmarkArg, { onInvalid: "drop-entry", doc: "Firewall mark to match." }),
  realms: name("realms", "[from/]to", 255, "Realms of a table rule, IPv4 only."),
  suppress_prefixlength: prefixLength,
  sup_pl: { ...prefixLength, aliasOf: "suppress_prefixlength" },
  suppress_ifgroup: group,
  sup_group: { ...group, aliasOf: "suppress_ifgroup" },
  iif: input,
  dev: { ...input, aliasOf: "iif" },
  oif: device("outputDevice", "Output interface to match."),
  "tunnel-id": field("tunnelId", wideNumber, { onInvalid: "drop-entry", doc: "Tunnel id to match." }),
  uidrange: range("uids", 0xffff_ffff, "User ids to match."),
  l3mdev: action("l3mdev", "Action: consults the table of the layer 3 master device."),
  protocol: field("protocol", integer(0, 255), { default: "18", doc: "Protocol that the rule is from." }),
  ipproto: { ...name("ipProtocol", "name", 255, "Transport protocol to match."), onInvalid: "ignore" },
  sport: range("sourcePorts", 65_535, "Source ports to match."),
  dport: range("destinationPorts", 65_535, "Destination ports to match."),
  type: option({
    args: [],
    apply: () => undefined,
    take: (_draft, [word], context) => takeType(word, context),
    doc: "Optional word before an action.",
  }),
  goto: option({
    args: [u32],
    apply: (draft, [target], context) => act(draft, { do: "goto", preference: target }, context),
    onInvalid: "drop-entry",
    doc: "Action: goes on at a later rule.",
  }),
  nop: action("nop", "Action: none."),
  blackhole: action("blackhole", "Action: drops in silence."),
  unreachable: action("unreachable", "Action: refuses as unreachable."),
  prohibit: action("prohibit", "Action: refuses as prohibited."),
  no_track: flag("noTrack", { doc: "Losing the rule affects nobody." }),
};

export const staticRuleOptions: Readonly<Record<string, OptionWord<RuleDraft>>> = {
  ...ruleOptions,
  track_group: trackGroupOption<RuleDraft>("rule"),
};

const afterType = ["goto", "nop", "blackhole", "unreachable", "prohibit"];

/** The word after `type` has to be an action, which is read as any other. */
function takeType(word: Word | undefined, context: Context): number | undefined {
  if (word === undefined) {
    reportMissing(context.named("type"), 2, afterType.join("|"));
    return undefined;
  }
  if (afterType.includes(word.text)) return 0;
  reportUnknown(word, context, afterType);
  return undefined;
}

function reportUnknown(word: Word, { diagnostics }: Context, candidates: readonly string[]): void {
  const hint = didYouMean(word.text, candidates) ?? "write: from <address>/<length> table <table> preference <number>";
  diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, `Unknown rule option ${word.text} - the rule is left out`, hint);
}

/** One line of a block of rules; undefined: it is left out, after reporting. */
export function parseRuleLine(
  words: readonly [Word, ...Word[]],
  context: Context,
  options = ruleOptions,
): RuleDraft | undefined {
  const draft: RuleDraft = { at: words[0].at };
  const unknown = (word: Word): boolean => {
    reportUnknown(word, context, Object.keys(options));
    return false;
  };
  const rules = { table: options, of: "a rule", scope: "a rule", unknown };
  return readOptions(draft, words, context, rules) && isWhole(draft, context) ? draft : undefined;
}

function isWhole(
  { at, action: done, preference: position, suppressGroup, suppressPrefixLength, realms }: RuleDraft,
  { diagnostics }: Context,
): boolean {
  const refuse = (code: "CFG_INCOMPLETE" | "CFG_BAD_VALUE", message: string, hint: string): boolean => {
    diagnostics.error(code, at, `${message} - the rule is left out`, hint);
    return false;
  };
  if (done === undefined) return refuse("CFG_INCOMPLETE", "No action specified for rule", "write: table <table>");
  if (done.do !== "table" && (suppressGroup ?? suppressPrefixLength ?? realms) !== undefined) {
    return refuse("CFG_BAD_VALUE", "suppressor/realm specified for non table action", "remove it, or write table");
  }
  if (done.do !== "goto") return true;
  if (position === undefined) {
    const message = `Invalid rule - goto target ${done.preference} specified without preference`;
    return refuse("CFG_INCOMPLETE", message, "write: preference <number>");
  }
  if (position < done.preference) return true;
  const message = `Invalid rule - preference ${position} >= goto target ${done.preference}`;
  return refuse("CFG_BAD_VALUE", message, "jump to a rule that comes later");
}
