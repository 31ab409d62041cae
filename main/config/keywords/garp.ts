import type { Milliseconds } from "../../units.js";
import { integer, seconds, switchArg } from "../args.js";
import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { GarpExtraIf } from "../model-global.js";
import type { OptionTable } from "../option-words.js";
import { plainWords, wholeSeconds } from "./global-args.js";

/** Announcement settings of `global_defs` (with `vrrp_` before their names) and of an instance. */
export interface GarpDraft {
  masterRepeat?: number;
  masterDelay?: Milliseconds;
  masterRefresh?: Milliseconds;
  masterRefreshRepeat?: number;
  lowerPrioRepeat?: number;
  lowerPrioDelay?: Milliseconds;
}

export interface GlobalGarpDraft extends GarpDraft {
  garpInterval?: Milliseconds;
  gnaInterval?: Milliseconds;
}

const COUNT = 0xffff_ffff;

/** What holds without each of them. */
interface GarpDefaults {
  readonly masterDelay: string;
  readonly masterRepeat: string;
  readonly masterRefresh: string;
  readonly masterRefreshRepeat: string;
  readonly lowerPrioDelay: string;
  readonly lowerPrioRepeat: string;
}

/** Our timers wait for 24 days at most; keepalived takes 136 years. */
function waitable(interval: Milliseconds, { keyword: name, at, diagnostics }: Context): Milliseconds {
  if (interval <= LONGEST_WAIT) return interval;
  diagnostics.warn(
    "CFG_ADVICE",
    at,
    `${name} is longer than this version can wait; 24 days are used`,
    "write 0 for never",
  );
  return LONGEST_WAIT;
}

const LONGEST_WAIT = 2_073_600_000 as Milliseconds;

function garpKeywords<Draft extends GarpDraft>(defaults: GarpDefaults) {
  const keyword = keywordsFor<Draft>();
  const delay = (field: "masterDelay" | "lowerPrioDelay", doc: string) =>
    keyword.value({
      args: [seconds(0, 4294, 0)],
      apply: (draft, [value]) => {
        draft[field] = value;
      },
      default: defaults[field],
      doc,
    });
  const count = (field: "masterRepeat" | "masterRefreshRepeat", doc: string) =>
    keyword.value({
      args: [integer(0, COUNT)],
      apply: (draft, [value], { diagnostics, at, keyword: name }) => {
        draft[field] = Math.max(value, 1);
        if (value < 1) diagnostics.warn("CFG_ADJUSTED", at, `${name} 0 is too low; 1 is used`, `write: ${name} 1`);
      },
      default: defaults[field],
      doc,
    });
  return {
    masterDelay: delay("masterDelay", "Wait before the second burst after becoming master; 0: no second burst."),
    masterRepeat: count("masterRepeat", "Announcements per burst after becoming master."),
    masterRefresh: keyword.value({
      args: [wholeSeconds(0, COUNT)],
      apply: (draft, [value], context) => {
        draft.masterRefresh = waitable(value, context);
      },
      onInvalid: { use: [0 as Milliseconds], says: "using 0 (never)" },
      default: defaults.masterRefresh,
      doc: "Interval of announcements while master; 0: never.",
    }),
    masterRefreshRepeat: count("masterRefreshRepeat", "Announcements per refresh."),
    lowerPrioDelay: delay("lowerPrioDelay", "Wait before the second burst after a lower-priority advert."),
    lowerPrioRepeat: keyword.value({
      args: [integer(0, 0x7fff_ffff)],
      apply: (draft, [value]) => {
        draft.lowerPrioRepeat = value;
      },
      default: defaults.lowerPrioRepeat,
      doc: "Announcements per burst after a lower-priority advert.",
    }),
  };
}

/** For tools. */
export const garpExtraIfWords: OptionTable = plainWords({ all: "On every interface, not only on VMAC interfaces." });

/** `[all] <seconds>`, in any order. `least`: 1 in global_defs; an instance may switch it off with 0. Undefined: all was reported. */
export function readGarpExtraIf(words: readonly Word[], least: 0 | 1, context: Context): GarpExtraIf | undefined {
  const { keyword: name, diagnostics, at } = context;
  const hint = `write: ${name} [all] <seconds: ${least}..86400>`;
  let all = false;
  let interval: Milliseconds | undefined;
  for (const word of words) {
    if (word.text === "all") {
      all = true;
      continue;
    }
    const time = seconds(least, 86400, 0).parse(word.text);
    if (!time.ok) {
      diagnostics.error("CFG_BAD_VALUE", word.at, `${name} '${word.text}' ${time.why} - ignoring`, hint);
      return undefined;
    }
    interval = time.value;
  }
  if (interval !== undefined) return { all, interval };
  diagnostics.error("CFG_BAD_VALUE", at, `${name} specified without time - ignoring`, hint);
  return undefined;
}

const global = garpKeywords<GlobalGarpDraft>({
  masterDelay: "5",
  masterRepeat: "5",
  masterRefresh: "0",
  masterRefreshRepeat: "1",
  lowerPrioDelay: "vrrp_garp_master_delay",
  lowerPrioRepeat: "vrrp_garp_master_repeat",
});
const keyword = keywordsFor<GlobalGarpDraft>();

/** 0 is out of keepalived's range, but the examples of its guides use it and mean what the default is: no gap. */
const gap = (field: "garpInterval" | "gnaInterval", meta: { readonly doc: string }) =>
  keyword.value({
    args: [seconds(0, 4294.967295, 6)],
    apply: (draft, [value], { diagnostics, at, keyword: name }) => {
      draft[field] = value;
      if (value === 0) {
        const message = `${name} '0' is outside [0.000001, 4294.967295]; no gap is kept, as by default`;
        diagnostics.warn("CFG_ADJUSTED", at, message, "remove the line");
      } else if (value >= 1000) {
        const message = `The ${name} is very large - ${value / 1000} seconds`;
        diagnostics.warn("CFG_ADVICE", at, message, "a takeover of many addresses takes that long for each");
      }
    },
    default: "0",
    ...meta,
  });

export const globalGarpKeywords: Readonly<Record<string, Keyword<GlobalGarpDraft>>> = {
  vrrp_garp_master_delay: global.masterDelay,
  vrrp_garp_master_repeat: global.masterRepeat,
  vrrp_garp_master_refresh: global.masterRefresh,
  vrrp_garp_master_refresh_repeat: global.masterRefreshRepeat,
  vrrp_garp_lower_prio_delay: global.lowerPrioDelay,
  vrrp_garp_lower_prio_repeat: global.lowerPrioRepeat,
  vrrp_garp_interval: gap("garpInterval", { doc: "Smallest gap between gratuitous ARPs on one interface." }),
  vrrp_gna_interval: gap("gnaInterval", {
    doc: "Smallest gap between unsolicited neighbour adverts on one interface.",
  }),
  vrrp_min_garp: keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      if (!on) return;
      // Only what is still at its default changes, so the order of lines matters as in keepalived.
      draft.masterRepeat ??= 1;
      draft.masterDelay ??= 0 as Milliseconds;
      draft.masterRefresh ??= 0 as Milliseconds;
      draft.masterRefreshRepeat ??= 0;
    },
    default: "off",
    since: "2.0.12",
    doc: "One announcement instead of bursts.",
  }),
};

const instance = garpKeywords<GarpDraft>({
  masterDelay: "vrrp_garp_master_delay",
  masterRepeat: "vrrp_garp_master_repeat",
  masterRefresh: "vrrp_garp_master_refresh",
  masterRefreshRepeat: "vrrp_garp_master_refresh_repeat",
  lowerPrioDelay: "vrrp_garp_lower_prio_delay; 0 in strict mode",
  lowerPrioRepeat: "vrrp_garp_lower_prio_repeat; 0 in strict mode",
});

export const instanceGarpKeywords: Readonly<Record<string, Keyword<GarpDraft>>> = {
  garp_master_delay: instance.masterDelay,
  garp_master_repeat: instance.masterRepeat,
  garp_master_refresh: instance.masterRefresh,
  garp_master_refresh_repeat: instance.masterRefreshRepeat,
  garp_lower_prio_delay: instance.lowerPrioDelay,
  garp_lower_prio_repeat: instance.lowerPrioRepeat,
};
