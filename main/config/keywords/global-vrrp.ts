import { type Family, familyOf, type IpAddress } from "../../address.js";
import { type Milliseconds, ms } from "../../units.js";
import { choice, integer, optional, seconds, switchArg } from "../args.js";
import { isMulticast, parseIp } from "../ip.js";
import { type Arg, alias, type Context, type Keyword, keywordsFor, type ValueKeyword } from "../keyword.js";
import type { GarpExtraIf } from "../model-global.js";
import { garpExtraIfWords, readGarpExtraIf } from "./garp.js";
import { word } from "./global-args.js";

/** What instances inherit, and the start of VRRP. */
export interface VrrpGlobalDraft {
  vrrpVersion?: 2 | 3;
  vrrpStrict?: boolean;
  skipCheckAdvAddr?: boolean;
  mcastGroup4?: IpAddress;
  mcastGroup6?: IpAddress;
  downTimerAdverts?: number;
  lowerPrioNoAdvert?: boolean;
  higherPrioSendAdvert?: boolean;
  ownerIgnoreAdverts?: boolean;
  garpExtraIf?: GarpExtraIf;
  checkUnicastSource?: boolean;
  v3ChecksumAsV2?: boolean;
  dynamicInterfaces?: boolean;
  /** With dynamicInterfaces. */
  allowIfChanges?: boolean;
  defaultInterface?: string;
  disableLocalIgmp?: boolean;
  startupDelay?: Milliseconds;
  delayAfterBoot?: Milliseconds;
  logUnknownVrids?: boolean;
  vmacPrefix?: string;
  vmacAddrPrefix?: string;
}

const keyword = keywordsFor<VrrpGlobalDraft>();

interface Group {
  readonly address: IpAddress;
  /** keepalived cuts everything from the first `-` or `/`, and says nothing. */
  readonly cut: boolean;
}

function multicastGroup(family: Family): Arg<Group> {
  const what = `${family === "inet" ? "IPv4" : "IPv6"} multicast address`;
  return {
    shape: `<${what}>`,
    parse(given) {
      const [text = "", rest] = given.split(/[-/]/, 2);
      const address = parseIp(text);
      if (address !== undefined && familyOf(address) === family && isMulticast(address, family)) {
        return { ok: true, value: { address, cut: rest !== undefined } };
      }
      return { ok: false, why: `is not an ${what}` };
    },
  };
}

function noteCut({ address, cut }: Group, { keyword: name, diagnostics, at }: Context): void {
  if (!cut) return;
  diagnostics.warn(
    "CFG_ADVICE",
    at,
    `${name} is read as ${address}: a group is one address`,
    `write: ${name} ${address}`,
  );
}

/** RFC 4291 §2.7: the second nibble after ff is the scope; 2 is link-local. */
const isLinkLocal = (group: IpAddress): boolean => /^ff.2:/i.test(group);

function largeDelay(delay: Milliseconds, { keyword: name, at, diagnostics }: Context): void {
  if (delay < 60_000) return;
  const message = `The ${name} is very large - ${delay / 1000} seconds`;
  diagnostics.warn("CFG_ADVICE", at, message, "no instance runs before it has passed");
}

const garpExtraIf = keyword.words({
  shape: "[all] <seconds: 1..86400>",
  options: garpExtraIfWords,
  apply: (draft, words, context) => {
    const value = readGarpExtraIf(words, 1, context);
    if (value !== undefined) draft.garpExtraIf = value;
  },
  default: "off",
  since: "2.2.3",
  doc: "Announces addresses that are on other interfaces than their instance's again and again; VMAC interfaces only, unless all.",
});

const prefix = (field: "vmacPrefix" | "vmacAddrPrefix", fallback: string, doc: string): ValueKeyword<VrrpGlobalDraft> =>
  keyword.field(field, word("<prefix>"), {
    repeat: "first-wins-reported",
    default: fallback,
    since: "2.2.0",
    doc,
  });

export const globalVrrpKeywords: Readonly<Record<string, Keyword<VrrpGlobalDraft>>> = {
  vrrp_version: keyword.value({
    args: [choice("2", "3")],
    apply: (draft, [version]) => {
      draft.vrrpVersion = version === "3" ? 3 : 2;
    },
    default: "2",
    doc: "Protocol version of instances that do not say it; IPv6 instances use 3.",
  }),
  vrrp_strict: keyword.field("vrrpStrict", switchArg, { default: "off", doc: "Default of strict_mode in instances." }),
  vrrp_skip_check_adv_addr: keyword.field("skipCheckAdvAddr", switchArg, {
    default: "off",
    doc: "Default of skip_check_adv_addr in instances.",
  }),
  vrrp_lower_prio_no_advert: keyword.field("lowerPrioNoAdvert", switchArg, {
    default: "off; on in strict mode",
    doc: "Default of lower_prio_no_advert in instances.",
  }),
  vrrp_higher_prio_send_advert: keyword.field("higherPrioSendAdvert", switchArg, {
    default: "off",
    doc: "Default of higher_prio_send_advert in instances.",
  }),
  vrrp_owner_ignore_adverts: keyword.field("ownerIgnoreAdverts", switchArg, {
    default: "off",
    since: "2.3.3",
    doc: "Default of owner_ignore_adverts in instances.",
  }),
  vrrp_down_timer_adverts: keyword.field("downTimerAdverts", integer(1, 100), {
    default: "3",
    since: "2.2.3",
    doc: "Missed adverts that make up the master-down timer.",
  }),
  vrrp_mcast_group4: keyword.value({
    args: [multicastGroup("inet")],
    apply: (draft, [group], context) => {
      draft.mcastGroup4 = group.address;
      noteCut(group, context);
    },
    default: "224.0.0.18",
    doc: "Destination of IPv4 adverts.",
  }),
  vrrp_mcast_group6: keyword.value({
    args: [multicastGroup("inet6")],
    apply: (draft, [group], context) => {
      draft.mcastGroup6 = group.address;
      noteCut(group, context);
      if (isLinkLocal(group.address)) return;
      const message = `vrrp_mcast_group6 ${group.address} should be link-local multicast`;
      context.diagnostics.warn("CFG_ADJUSTED", context.at, message, "use an address in ff02::/16");
    },
    default: "ff02::12",
    doc: "Destination of IPv6 adverts.",
  }),
  vrrp_garp_extra_if: garpExtraIf,
  vrrp_vmac_garp_intvl: alias(garpExtraIf, "vrrp_garp_extra_if", {
    deprecated: { instead: "vrrp_garp_extra_if" },
    since: "2.2.0",
  }),
  vrrp_check_unicast_src: keyword.flag("checkUnicastSource", {
    default: "off",
    doc: "Default of check_unicast_src in instances: unicast adverts count only from configured peers.",
  }),
  v3_checksum_as_v2: keyword.flag("v3ChecksumAsV2", {
    default: "off",
    since: "2.2.8",
    doc: "Version 3 adverts over IPv4 get a checksum without the pseudo-header.",
  }),
  dynamic_interfaces: keyword.value({
    args: [optional(choice("allow_if_changes"), undefined)],
    apply: (draft, [changes]) => {
      draft.dynamicInterfaces = true;
      draft.allowIfChanges = changes !== undefined;
    },
    onInvalid: { use: [undefined], says: "dynamic_interfaces is set all the same" },
    default: "off",
    doc: "Interfaces that do not exist yet are accepted.",
  }),
  default_interface: keyword.field("defaultInterface", word("<interface>"), {
    missing: "default_interface requires interface name",
    default: "eth0",
    doc: "Interface of static addresses that name none, and of virtual ones where their instance has no interface.",
  }),
  disable_local_igmp: keyword.flag("disableLocalIgmp", {
    default: "off",
    since: "2.2.0",
    doc: "The kernel sends no IGMP reports for link-local groups while the daemon runs.",
  }),
  vrrp_startup_delay: keyword.value({
    args: [seconds(0.001, 4294.967295, 6)],
    apply: (draft, [delay], context) => {
      draft.startupDelay = delay;
      largeDelay(delay, context);
    },
    default: "0",
    since: "2.0.14",
    doc: "Wait before instances start.",
  }),
  vrrp_delay_after_boot: keyword.value({
    args: [seconds(0.001, 4294.967295, 6)],
    apply: (draft, [delay], context) => {
      draft.delayAfterBoot = delay;
      largeDelay(delay, context);
    },
    default: "0",
    since: "2.4.0",
    doc: "Instances start only when the host has been up for this long.",
  }),
  log_unknown_vrids: keyword.flag("logUnknownVrids", {
    default: "off",
    since: "2.0.16",
    doc: "Logs adverts with a virtual router id that no instance has on their interface.",
  }),
  vmac_prefix: prefix("vmacPrefix", "vrrp", "First part of generated names of VMAC interfaces."),
  vmac_addr_prefix: prefix("vmacAddrPrefix", "vmac_prefix", "The same for VMAC interfaces made by use_vmac_addr."),
};

/** Without the keyword. */
export const MCAST_GROUP6: IpAddress = "ff02::12";
export const NO_GARP_EXTRA_IF: GarpExtraIf = { all: false, interval: ms(0) };
