import { familyOf } from "../../address.js";
import { integer } from "../args.js";
import { parseIp, withHostBits } from "../ip.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { VirtualAddress } from "../model.js";
import { didYouMean } from "../suggest.js";

/** rtnetlink scopes (linux/rtnetlink.h RT_SCOPE_*). */
const scopes: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

/** Options of an address line that this version accepts without effect; true: a value follows. */
const laterOptions: Readonly<Record<string, boolean>> = {
  peer: true,
  preferred_lft: true,
  home: false,
  "-nodad": false,
  mngtmpaddr: false,
  noprefixroute: false,
  autojoin: false,
  no_track: false,
  use_vmac: false,
};
const ownOptions = ["dev", "scope", "brd", "broadcast", "label"];

interface Draft {
  readonly address: string;
  readonly prefix: number;
  readonly inet: boolean;
  dev?: string;
  label?: string;
  broadcast?: string;
  scope: number;
}

/** `ADDR[/len] [dev IF] [scope S] [brd A|+|-] [label L]`; undefined when keepalived drops the address too. */
export function parseAddressLine(words: readonly [Word, ...Word[]], context: Context): VirtualAddress | undefined {
  const [first, ...options] = words;
  const draft = parseAddress(first, context);
  if (draft === undefined) return undefined;
  for (let i = 0; i < options.length; i++) {
    const option = options[i];
    if (option === undefined) break;
    if (Object.hasOwn(laterOptions, option.text)) {
      const message = `'${option.text}' of an address is accepted, without effect in this version`;
      context.diagnostics.warn("CFG_LATER", option.at, message);
      if (laterOptions[option.text] === true) i++;
    } else if (!ownOptions.includes(option.text)) {
      const message = `Unknown configuration entry '${option.text}' for ip address - ignoring`;
      const hint = didYouMean(option.text, [...ownOptions, ...Object.keys(laterOptions)]);
      context.diagnostics.error("CFG_UNKNOWN_KEYWORD", option.at, message, hint ?? "one address per line");
    } else if (!applyOption(draft, option, options[++i], context)) return undefined;
  }
  const { address, prefix, dev, label, broadcast, scope } = draft;
  return { address, prefix, dev, label, broadcast, scope };
}

function parseAddress(word: Word, { diagnostics }: Context): Draft | undefined {
  const slash = word.text.indexOf("/");
  const host = slash === -1 ? word.text : word.text.slice(0, slash);
  const address = parseIp(host);
  if (address === undefined) {
    const message = `VRRP parsed invalid IP ${word.text}. skipping IP...`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, "write: ADDRESS[/PREFIX] [dev INTERFACE] [label LABEL]");
    return undefined;
  }
  const inet = familyOf(address) === "inet";
  const longest = inet ? 32 : 128;
  const length =
    slash === -1 ? { ok: true as const, value: longest } : integer(0, longest).parse(word.text.slice(slash + 1));
  if (length.ok) return { address, prefix: length.value, inet, scope: 0 };
  const given = word.text.slice(slash + 1);
  const message = `Invalid address prefix len ${given} for address ${word.text} - using ${longest}`;
  diagnostics.error("CFG_BAD_VALUE", word.at, message, `write a length between 0 and ${longest}`);
  return { address, prefix: longest, inet, scope: 0 };
}

/** @returns false when the address is to be dropped */
function applyOption(draft: Draft, option: Word, value: Word | undefined, context: Context): boolean {
  if (value === undefined) {
    const message = `No ${option.text} parameter specified for ${draft.address}`;
    context.diagnostics.error(
      "CFG_BAD_VALUE",
      option.at,
      message,
      `write: ${option.text} VALUE; the address is dropped`,
    );
    return false;
  }
  switch (option.text) {
    case "dev":
      return setName(draft, "dev", value, context);
    case "label":
      return draft.inet ? setName(draft, "label", value, context) : ignored(option, draft, context);
    case "scope":
      if (draft.inet) setScope(draft, value, context);
      else ignored(option, draft, context);
      return true;
    default:
      return draft.inet ? setBroadcast(draft, value, context) : dropped(draft, value, context);
  }
}

function ignored(option: Word, draft: Draft, { diagnostics }: Context): true {
  const message = `${option.text} of ${draft.address} is for IPv4 only - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", option.at, message, `remove ${option.text}`);
  return true;
}

function dropped(draft: Draft, value: Word, { diagnostics }: Context): false {
  const message = `broadcast ${value.text} of ${draft.address} is not valid - removing address`;
  diagnostics.error("CFG_BAD_VALUE", value.at, message, "write an IPv4 address, + or -");
  return false;
}

function setName(draft: Draft, option: "dev" | "label", value: Word, { diagnostics }: Context): boolean {
  const what = option === "dev" ? "Interface" : "Address label";
  if (value.text.length > 15) {
    const message = `${what} ${value.text} is longer than maximum length 15 - removing address`;
    diagnostics.error("CFG_BAD_VALUE", value.at, message, "use a shorter name");
    return false;
  }
  draft[option] = value.text;
  return true;
}

function setScope(draft: Draft, value: Word, { diagnostics }: Context): void {
  const number = integer(0, 255).parse(value.text);
  const scope = Object.hasOwn(scopes, value.text) ? scopes[value.text] : number.ok ? number.value : undefined;
  if (scope !== undefined) draft.scope = scope;
  else {
    const hint = didYouMean(value.text, Object.keys(scopes)) ?? `one of ${Object.keys(scopes).join(", ")} or 0..255`;
    diagnostics.error("CFG_BAD_VALUE", value.at, `scope '${value.text}' is unknown - ignoring`, hint);
  }
}

function setBroadcast(draft: Draft, value: Word, context: Context): boolean {
  if (value.text === "+" || value.text === "-") {
    if (draft.prefix <= 30) draft.broadcast = withHostBits(draft.address, draft.prefix, value.text === "+");
    else {
      const message = `broadcast ${value.text} needs a prefix of at most 30, ${draft.address} has ${draft.prefix} - ignoring`;
      context.diagnostics.error("CFG_BAD_VALUE", value.at, message, "write the prefix behind the address");
    }
    return true;
  }
  const address = parseIp(value.text);
  if (address === undefined || familyOf(address) !== "inet") return dropped(draft, value, context);
  draft.broadcast = address;
  return true;
}
