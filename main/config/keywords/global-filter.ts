import { integer, textUpTo } from "../args.js";
import { type Keyword, keywordsFor } from "../keyword.js";
import type { IpsetNames } from "../model-global.js";
import { ACCEPTED, badValue } from "./global-args.js";

/** Packet filter rules. */
export interface FilterDraft {
  iptables?: { readonly inChain: string; readonly outChain: string | undefined };
  /** `off`: the keyword without names. */
  ipsets?: IpsetNames | "off";
  nftables?: string;
  nftablesPriority?: number;
  nftablesIfindex?: boolean;
  nftablesCounters?: boolean;
  nftablesIpvs?: string;
  nftablesIpvsPriority?: number;
  nftablesIpvsStartFwmark?: number;
}

const keyword = keywordsFor<FilterDraft>();

const chain = textUpTo(27, "<chain>");
const INT_MIN = -0x8000_0000;
const INT_MAX = 0x7fff_ffff;

export const globalFilterKeywords: Readonly<Record<string, Keyword<FilterDraft>>> = {
  vrrp_iptables: keyword.words({
    shape: "[<in chain> [<out chain>]]",
    apply: (draft, words, context) => {
      const bad = words.slice(0, 2).find(({ text }) => !chain.parse(text).ok);
      if (bad !== undefined) {
        badValue(
          context,
          bad,
          "must have 1 to 27 characters - ignoring",
          "write: vrrp_iptables [<in chain> [<out chain>]]",
        );
        return;
      }
      const [inChain, outChain] = words.map(({ text }) => text);
      if (inChain !== undefined && inChain === outChain) {
        const message = `vrrp_iptables ${inChain} names one chain twice - ignoring`;
        context.diagnostics.warn("CFG_ADVICE", context.at, message, "use different chains for input and output");
      } else draft.iptables = inChain === undefined ? { inChain: "INPUT", outChain: "OUTPUT" } : { inChain, outChain };
    },
    repeat: "first-wins-reported",
    default: "not used; without names INPUT and OUTPUT",
    doc: "Chains of iptables for no_accept, where iptables is not nftables itself.",
  }),
  vrrp_ipsets: keyword.words({
    ...ACCEPTED,
    shape: "[<addresses> [<addresses6> [<link-local6> [<igmp> [<mld> [<nd>]]]]]]",
    apply: (draft, words, context) => {
      const names = words.slice(0, 6);
      const bad = names.find(
        ({ text }, i) => text === "" || text.length > 30 || names.findIndex((n) => n.text === text) < i,
      );
      if (bad === undefined) draft.ipsets = ipsetNames(names.map(({ text }) => text));
      else
        badValue(
          context,
          bad,
          "must have 1 to 30 characters and stand once - using the defaults",
          "name each set once",
        );
    },
    default: "keepalived keepalived6 keepalived_if6 keepalived_igmp keepalived_mld keepalived_nd",
    doc: "Names of the sets used with iptables; left out ones are made of the first, and without any no sets are used.",
  }),
  nftables: keyword.words({
    shape: "[<table>]",
    apply: (draft, [table], context) => {
      const given = textUpTo(254, "<table>").parse(table?.text ?? "keepalived");
      if (!given.ok) {
        badValue(context, table, `${given.why} - ignoring`, "write: nftables <table>");
        return;
      }
      draft.nftables = given.value;
      delete draft.nftablesPriority; // keepalived sets it back, so it has to stand after this line
    },
    repeat: "first-wins-reported",
    since: "2.0.11",
    default: "not used; without a name keepalived",
    doc: "Table of nftables for accept, no_accept and the filtering of VMAC interfaces.",
  }),
  nftables_priority: keyword.field("nftablesPriority", integer(INT_MIN, INT_MAX), {
    default: "-1",
    since: "2.0.11",
    doc: "Priority of the base chains; stands after nftables.",
  }),
  nftables_ifindex: keyword.flag("nftablesIfindex", {
    default: "off",
    since: "2.0.11",
    doc: "No effect: sets of IPv6 link-local addresses always have the index of the interface for a key, never its name.",
  }),
  nftables_counters: keyword.flag("nftablesCounters", {
    default: "off",
    since: "2.0.11",
    doc: "Puts counters into the rules.",
  }),
  nftables_ipvs: keyword.words({
    shape: "[<table>]",
    apply: (draft, [table], context) => {
      const given = textUpTo(254, "<table>").parse(table?.text ?? "keepalived_ipvs");
      if (!given.ok) {
        badValue(context, table, `${given.why} - ignoring`, "write: nftables_ipvs <table>");
        return;
      }
      draft.nftablesIpvs = given.value;
      delete draft.nftablesIpvsPriority;
      delete draft.nftablesIpvsStartFwmark;
    },
    repeat: "first-wins-reported",
    since: "2.2.2",
    default: "not used; without a name keepalived_ipvs",
    doc: "Table of nftables that gives all addresses of a virtual_server_group one firewall mark.",
  }),
  nftables_ipvs_priority: keyword.field("nftablesIpvsPriority", integer(INT_MIN, INT_MAX), {
    default: "-1",
    since: "2.2.2",
    doc: "Priority of the base chains of nftables_ipvs; stands after it.",
  }),
  nftables_ipvs_start_fwmark: keyword.field("nftablesIpvsStartFwmark", integer(1, 0xffff_ffff), {
    default: "1000",
    since: "2.2.2",
    doc: "First firewall mark that nftables_ipvs gives to a group; stands after it.",
  }),
};

const SET_NAME_LONGEST = 30;

/** keepalived.conf(5): what is left out is the name before it with `6`, `_if6`, `_igmp`, `_mld` or `_nd`. */
function ipsetNames([address, ...more]: readonly string[]): IpsetNames | "off" {
  if (address === undefined) return "off";
  const [address6 = derived(address, "6"), interface6 = derived(address6.replace(/6$/, ""), "_if6")] = more;
  const [, , igmp = derived(address, "_igmp"), mld = derived(address, "_mld"), nd = derived(address, "_nd")] = more;
  return { address, address6, interface6, igmp, mld, nd };
}

const derived = (name: string, end: string): string => name.slice(0, SET_NAME_LONGEST - end.length) + end;
