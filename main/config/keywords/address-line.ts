import { familyOf, type IpAddress } from "../../address.js";
import { integer, textUpTo } from "../args.js";
import { parseIp, withHostBits } from "../ip.js";
import type { Arg, Context, Parsed } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { didYouMean } from "../suggest.js";
import { type Named, named } from "./named.js";
import { longestPrefix } from "./net-args.js";
import { trackGroupOption } from "./track-group.js";

/** What one address line said; `scope` is looked up by validate/vrrp-addresses.ts. */
export interface AddressDraft {
  readonly at: SourcePosition;
  readonly address: IpAddress;
  prefix: number;
  /** The line gave a prefix. */
  readonly hasPrefix: boolean;
  dev?: string;
  label?: string;
  broadcast?: string;
  scope?: Named;
  peer?: IpAddress;
  home?: boolean;
  detectDuplicates?: boolean;
  managesTemporary?: boolean;
  noPrefixRoute?: boolean;
  autojoin?: boolean;
  noTrack?: boolean;
  preferredLifetime?: PreferredLifetime;
  useVmac?: boolean;
  trackGroup?: Named;
}

export type PreferredLifetime = { readonly seconds: number } | "forever";

const { field, flag, option } = optionsFor<AddressDraft>();

const shortName = (what: string) => textUpTo(15, `<${what}: up to 15 characters>`);

const anyText = (shape: string): Arg<string> => ({ shape, parse: (value) => ({ ok: true, value }) });

const inet = ({ address }: AddressDraft): boolean => familyOf(address) === "inet";

function ignored(what: string, draft: AddressDraft, { diagnostics, at }: Context): undefined {
  const message = `${what} of ${draft.address} is for IPv4 only - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", at, message, `remove ${what}`);
}

const broadcast = option({
  args: [anyText("<address>|+|-")],
  apply: (draft, [value], context) => setBroadcast(draft, value, context),
  doc: "Broadcast address; + sets the host bits, - clears them.",
});

const lifetime: Arg<PreferredLifetime> = {
  shape: "<seconds: 0..4294967295>|forever",
  words: ["forever"],
  parse(word): Parsed<PreferredLifetime> {
    if (word === "forever") return { ok: true, value: "forever" };
    const seconds = integer(0, 0xffff_ffff).parse(word);
    return seconds.ok ? { ...seconds, value: { seconds: seconds.value } } : seconds;
  },
};

/** Of the lines of virtual_ipaddress and virtual_ipaddress_excluded. */
export const addressOptions: Readonly<Record<string, OptionWord<AddressDraft>>> = {
  dev: option({
    args: [shortName("interface")],
    apply: (draft, [name], { diagnostics, at }) => {
      if (draft.dev === undefined) {
        draft.dev = name;
        return undefined;
      }
      const message = `Cannot specify ipaddress device more than once for ${draft.address} - removing address`;
      diagnostics.error("CFG_REPEATED", at, message, "remove one of them; each address stands on a line of its own");
      return false;
    },
    onInvalid: "drop-entry",
    default: "the instance's interface",
    doc: "Interface that holds the address.",
  }),
  scope: option({
    args: [anyText("global|site|link|host|nowhere|<name>|<0..255>")],
    apply: (draft, [name], context) => {
      if (!inet(draft)) return ignored("scope", draft, context);
      draft.scope = named(name, context.at);
      return undefined;
    },
    default: "global",
    doc: "Scope of the address, IPv4 only.",
  }),
  brd: broadcast,
  broadcast: { ...broadcast, aliasOf: "brd" },
  label: option({
    args: [shortName("label")],
    apply: (draft, [label], context) => {
      if (!inet(draft)) return ignored("label", draft, context);
      draft.label = label;
      return undefined;
    },
    onInvalid: "drop-entry",
    doc: "Label that tools show, IPv4 only.",
  }),
  peer: option({
    args: [anyText("<address>[/<prefix>]")],
    apply: (draft, [value], context) => setPeer(draft, value, context),
    doc: "The other end of a point-to-point link.",
  }),
  home: flag("home", { doc: "Marks a home address, IPv6 only." }),
  "-nodad": flag("detectDuplicates", { doc: "The kernel looks for duplicates, IPv6 only." }),
  mngtmpaddr: flag("managesTemporary", { doc: "The kernel makes temporary addresses from it, IPv6 only." }),
  noprefixroute: flag("noPrefixRoute", { doc: "The kernel adds no route for the prefix." }),
  autojoin: flag("autojoin", { doc: "The kernel joins the multicast group." }),
  no_track: flag("noTrack", { doc: "Losing the address affects nobody." }),
  preferred_lft: field("preferredLifetime", lifetime, {
    default: "forever; 0 for IPv6 with /128",
    doc: "Time for which the address is preferred as a source.",
  }),
  use_vmac: flag("useVmac", { doc: "Puts the address on a macvlan of its own." }),
};

const { use_vmac: _, ...common } = addressOptions;

/** Of static_ipaddress. */
export const staticAddressOptions: Readonly<Record<string, OptionWord<AddressDraft>>> = {
  ...common,
  track_group: trackGroupOption<AddressDraft>("address"),
};

/** `ADDR[/len] [dev IF] [scope S] [brd A|+|-] [label L] ...`; undefined when keepalived drops the address too. */
export function parseAddressLine(
  words: readonly [Word, ...Word[]],
  context: Context,
  table = addressOptions,
): AddressDraft | undefined {
  const [first, ...options] = words;
  const draft = parseAddress(first, context);
  if (draft === undefined) return undefined;
  const missing = (word: Word, shape: string): void => {
    const message = `No ${word.text} parameter specified for ${draft.address}`;
    const hint = `write: ${word.text} ${shape}; the address is dropped`;
    context.diagnostics.error("CFG_BAD_VALUE", word.at, message, hint);
  };
  const unknown = (word: Word): boolean => {
    const message = `Unknown configuration entry '${word.text}' for ip address - ignoring`;
    const hint = didYouMean(word.text, Object.keys(table)) ?? "one address per line";
    context.diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, message, hint);
    return true;
  };
  const rules = { table, of: `address ${draft.address}`, scope: "an address", missing, unknown };
  return readOptions(draft, options, context, rules) ? draft : undefined;
}

function parseAddress(word: Word, { diagnostics }: Context): AddressDraft | undefined {
  const slash = word.text.indexOf("/");
  const address = parseIp(slash === -1 ? word.text : word.text.slice(0, slash));
  if (address === undefined) {
    const message = `VRRP parsed invalid IP ${word.text}. skipping IP...`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, "write: ADDRESS[/PREFIX] [dev INTERFACE] [label LABEL]");
    return undefined;
  }
  const longest = longestPrefix(familyOf(address));
  const base = { at: word.at, address, hasPrefix: slash !== -1 };
  if (slash === -1) return { ...base, prefix: longest };
  const given = word.text.slice(slash + 1);
  const length = integer(0, longest).parse(given);
  if (length.ok) return { ...base, prefix: length.value };
  const message = `Invalid address prefix len ${given} for address ${word.text} - using ${longest}`;
  diagnostics.error("CFG_BAD_VALUE", word.at, message, `write a length between 0 and ${longest}`);
  return { ...base, prefix: longest };
}

/** @returns false when the address is to be dropped */
function setBroadcast(draft: AddressDraft, value: string, { diagnostics, at }: Context): boolean {
  const address = parseIp(value);
  const fills = value === "+" || value === "-";
  if (!inet(draft) || (!fills && (address === undefined || familyOf(address) !== "inet"))) {
    const message = `broadcast ${value} of ${draft.address} is not valid - removing address`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "write an IPv4 address, + or -");
    return false;
  }
  const refused =
    draft.peer !== undefined
      ? "goes not with peer"
      : fills && draft.prefix > 30
        ? `needs a prefix of at most 30, ${draft.address} has ${draft.prefix}`
        : undefined;
  if (refused !== undefined) {
    const message = `broadcast ${value} ${refused} - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "write the prefix behind the address, without peer");
  } else draft.broadcast = address ?? withHostBits(draft.address, draft.prefix, value === "+");
  return true;
}

function setPeer(draft: AddressDraft, value: string, { diagnostics, at }: Context): undefined {
  const [host = "", length, ...rest] = value.split("/");
  const peer = parseIp(host);
  const longest = longestPrefix(familyOf(draft.address));
  const prefix = length === undefined ? { ok: true as const, value: longest } : integer(0, longest).parse(length);
  const ignore = (why: string, hint: string): undefined => {
    diagnostics.error("CFG_BAD_VALUE", at, `Peer ${value} of ${draft.address} ${why} - ignoring`, hint);
  };
  if (peer === undefined || rest.length > 0 || !prefix.ok) {
    return ignore("is no address with or without a prefix", "write: peer <address>[/<prefix>]");
  }
  if (familyOf(peer) !== familyOf(draft.address)) return ignore("does not match address family", "use one family");
  if (draft.peer !== undefined) return ignore("is a second one", "remove one of them");
  if (draft.hasPrefix) {
    const message = `Cannot specify address prefix when specifying peer address ${value} - the peer's is used`;
    diagnostics.error("CFG_BAD_VALUE", at, message, `write: ${draft.address} peer ${host}/<prefix>`);
  }
  draft.peer = peer;
  draft.prefix = prefix.value;
  return undefined;
}
