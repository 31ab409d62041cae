import type { Milliseconds } from "../../units.js";
import { integer, seconds, switchArg } from "../args.js";
import { type Keyword, keywordsFor } from "../keyword.js";

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

const SOURCE = "keepalived.conf(5)";
const COUNT = 0xffff_ffff;

function garpKeywords<Draft extends GarpDraft>() {
  const keyword = keywordsFor<Draft>();
  const delay = (field: "masterDelay" | "lowerPrioDelay", doc: string) =>
    keyword.value({
      args: [seconds(0, 4294, 0)],
      apply: (draft, [value]) => {
        draft[field] = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc,
    });
  const count = (field: "masterRepeat" | "masterRefreshRepeat" | "lowerPrioRepeat", least: 0 | 1, doc: string) =>
    keyword.value({
      args: [integer(0, COUNT)],
      apply: (draft, [value], { diagnostics, at, keyword: name }) => {
        draft[field] = Math.max(value, least);
        if (value < least) diagnostics.warn("CFG_ADJUSTED", at, `${name} 0 is too low; 1 is used`, `write: ${name} 1`);
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc,
    });
  return {
    masterDelay: delay("masterDelay", "Wait before the second burst after becoming master; 0: no second burst."),
    masterRepeat: count("masterRepeat", 1, "Announcements per burst after becoming master."),
    masterRefresh: keyword.value({
      args: [seconds(0, COUNT, 0)],
      apply: (draft, [value]) => {
        draft.masterRefresh = value;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: SOURCE,
      doc: "Interval of announcements while master; 0: never.",
    }),
    masterRefreshRepeat: count("masterRefreshRepeat", 1, "Announcements per refresh."),
    lowerPrioDelay: delay("lowerPrioDelay", "Wait before the second burst after a lower-priority advert."),
    lowerPrioRepeat: count("lowerPrioRepeat", 0, "Announcements per burst after a lower-priority advert."),
  };
}

const global = garpKeywords<GlobalGarpDraft>();
const keyword = keywordsFor<GlobalGarpDraft>();

/** 0 is out of keepalived's range, but the examples of its guides use it and mean what the default is: no gap. */
const gap = (field: "garpInterval" | "gnaInterval", doc: string) =>
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
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });

export const globalGarpKeywords: Readonly<Record<string, Keyword<GlobalGarpDraft>>> = {
  vrrp_garp_master_delay: global.masterDelay,
  vrrp_garp_master_repeat: global.masterRepeat,
  vrrp_garp_master_refresh: global.masterRefresh,
  vrrp_garp_master_refresh_repeat: global.masterRefreshRepeat,
  vrrp_garp_lower_prio_delay: global.lowerPrioDelay,
  vrrp_garp_lower_prio_repeat: global.lowerPrioRepeat,
  vrrp_garp_interval: gap("garpInterval", "Smallest gap between gratuitous ARPs on one interface."),
  vrrp_gna_interval: gap("gnaInterval", "Smallest gap between unsolicited neighbour adverts on one interface."),
  vrrp_min_garp: keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      if (!on) return;
      // Only what is still at its default changes, so the order of lines matters as in keepalived.
      draft.masterRepeat ??= 1;
      draft.masterDelay ??= 0 as Milliseconds;
      draft.masterRefresh ??= 0 as Milliseconds;
      draft.masterRefreshRepeat ??= 1;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "One announcement instead of bursts.",
  }),
};

const instance = garpKeywords<GarpDraft>();

export const instanceGarpKeywords: Readonly<Record<string, Keyword<GarpDraft>>> = {
  garp_master_delay: instance.masterDelay,
  garp_master_repeat: instance.masterRepeat,
  garp_master_refresh: instance.masterRefresh,
  garp_master_refresh_repeat: instance.masterRefreshRepeat,
  garp_lower_prio_delay: instance.lowerPrioDelay,
  garp_lower_prio_repeat: instance.lowerPrioRepeat,
};
