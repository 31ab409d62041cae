import { familyOf } from "../../address.js";
import { type Milliseconds, priority, vrid } from "../../units.js";
import { choice, integer, interfaceName, ipArg, seconds, switchArg } from "../args.js";
import { keywordsFor, type Scope } from "../keyword.js";
import { instanceGarpKeywords } from "./garp.js";
import { named } from "./named.js";
import { guardScope, newGuardDraft } from "./split-brain-guard.js";
import { alertKeywords } from "./vrrp-alerts.js";
import { authKeywords } from "./vrrp-auth.js";
import type { VrrpInstanceDraft } from "./vrrp-instance-draft.js";
import { linkKeywords } from "./vrrp-link.js";
import { vrrpListKeywords } from "./vrrp-lists.js";
import { unicastKeywords } from "./vrrp-unicast.js";

const keyword = keywordsFor<VrrpInstanceDraft>();

const identity = {
  state: keyword.value({
    args: [choice("MASTER", "BACKUP")],
    apply: (draft, [state], { diagnostics, at }) => {
      if (draft.state === "MASTER" && state === "BACKUP") {
        const message = `(${draft.name}) state BACKUP after state MASTER - ignoring`;
        diagnostics.error("CFG_REPEATED", at, message, "remove one of them");
      } else draft.state = state;
    },
    onInvalid: { use: ["BACKUP"], says: "defaulting to BACKUP" },
    default: "BACKUP; MASTER with priority 255",
    doc: "State wished for at the start.",
  }),
  interface: keyword.value({
    args: [interfaceName],
    apply: (draft, [name], { at }) => {
      draft.interface = named(name, at);
    },
    doc: "Interface that the instance runs on.",
  }),
  virtual_router_id: keyword.value({
    args: [integer(1, 255)],
    apply: (draft, [id]) => {
      draft.vrid = vrid(id);
    },
    source: "keepalived.conf(5) virtual_router_id; RFC 5798 §5.2.3",
    doc: "Identifies the virtual router; unique per interface and address family.",
  }),
  priority: keyword.value({
    args: [integer(1, 255)],
    apply: (draft, [value]) => {
      draft.priority = priority(value);
    },
    onInvalid: { use: [100], says: "using default 100" },
    default: "100; 255 with state MASTER",
    source: "keepalived.conf(5) priority; RFC 5798 §5.2.4",
    doc: "Election weight; 255 is reserved for the owner of the address.",
  }),
  version: keyword.value({
    args: [choice("2", "3")],
    apply: (draft, [text], { diagnostics, at }) => {
      const version = text === "3" ? 3 : 2;
      // keepalived deduces it from what stands above: a version, or an address of either family.
      if (draft.version === undefined || draft.version === version) draft.version = version;
      else {
        const message = `(${draft.name}) version ${version} conflicts with configured or deduced version ${draft.version}; ignoring`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "write version once");
      }
    },
    default: "vrrp_version; 3 for IPv6",
    doc: "Protocol version.",
  }),
  native_ipv6: keyword.value({
    args: [],
    apply: (draft, _values, { at, diagnostics }) => {
      const first = draft.addresses[0];
      if (first === undefined || familyOf(first.address) === "inet6") draft.nativeIpv6 = at;
      else {
        const message = `(${draft.name}) Cannot specify native_ipv6 with IPv4 addresses - ignoring`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "remove it: the addresses say the family");
      }
    },
    deprecated: { instead: "IPv6 addresses in virtual_ipaddress", silent: true },
    doc: "Makes it an IPv6 instance.",
  }),
  advert_int: keyword.field("advertInterval", seconds(0.01, 255, 6), {
    default: "1",
    doc: "Interval between adverts: whole seconds in version 2, hundredths up to 40.95 s in version 3.",
  }),
  debug: keyword.field("debug", integer(0, 4), {
    default: "0",
    doc: "No effect, in keepalived neither.",
  }),
} as const;

const timerExpired = keyword.value({
  args: [{ ...integer(1, 254), shape: "[<1..254>]", absent: { value: 254 } }],
  apply: (draft, [highest]) => {
    draft.timerExpiredBackup = highest;
  },
  since: "2.2.8",
  doc: "Falls back to backup when timers ran so late that another router may have taken over; needs nopreempt.",
});

const election = {
  preempt: keyword.flag("nopreempt", { default: "on", doc: "Cancels an earlier nopreempt." }, false),
  nopreempt: keyword.flag("nopreempt", { doc: "A master of lower priority stays." }),
  preempt_delay: keyword.field("preemptDelay", seconds(0, 1000, 6), {
    onInvalid: { use: 0 as Milliseconds, says: "0 is used" },
    default: "0",
    doc: "Extra wait before taking over from a master of lower priority.",
  }),
  down_timer_adverts: keyword.field("downTimerAdverts", integer(1, 100), {
    default: "vrrp_down_timer_adverts",
    since: "2.2.3",
    doc: "Missed adverts that make up the master-down timer.",
  }),
  timer_expired_backup: timerExpired,
  thread_timer_expired: {
    ...timerExpired,
    aliasOf: "timer_expired_backup",
    since: "2.3.2",
    deprecated: { instead: "timer_expired_backup" },
  },
  dont_track_primary: keyword.flag("dontTrackPrimary", { doc: "Faults of the instance's own interface are ignored." }),
  lower_prio_no_advert: keyword.field("lowerPrioNoAdvert", switchArg, {
    default: "vrrp_lower_prio_no_advert",
    doc: "A master stays silent on hearing a lower priority.",
  }),
  higher_prio_send_advert: keyword.field("higherPrioSendAdvert", switchArg, {
    default: "vrrp_higher_prio_send_advert",
    doc: "A master sends one advert before it yields.",
  }),
  owner_ignore_adverts: keyword.field("ownerIgnoreAdverts", switchArg, {
    default: "vrrp_owner_ignore_adverts",
    since: "2.3.3",
    doc: "The address owner disregards received adverts.",
  }),
  skip_check_adv_addr: keyword.field("skipCheckAdvAddr", switchArg, {
    default: "vrrp_skip_check_adv_addr",
    doc: "Addresses in adverts of the same master are not checked again.",
  }),
  strict_mode: keyword.field("strict", switchArg, { default: "vrrp_strict", doc: "Conformance with the RFC." }),
  accept: keyword.flag("accept", {
    default: "on; off in strict mode",
    doc: "Packets to the addresses are accepted when not their owner.",
  }),
  no_accept: keyword.flag(
    "accept",
    {
      default: "off; on in strict mode",
      doc: "Packets to the addresses are dropped when not their owner.",
    },
    false,
  ),
} as const;

const addressing = {
  mcast_src_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at }) => {
      draft.sourceAddress = { address, at };
    },
    default: "the interface's primary address",
    doc: "Source address of adverts.",
  }),
  mcast_dst_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at }) => {
      draft.multicastGroup = { address, at };
    },
    default: "vrrp_mcast_group4, vrrp_mcast_group6",
    since: "2.2.5",
    doc: "Destination group of this instance.",
  }),
  v3_checksum_as_v2: keyword.field("v3ChecksumAsV2", switchArg, {
    default: "v3_checksum_as_v2 of global_defs",
    since: "2.2.8",
    doc: "Checksums of IPv4 adverts of version 3 leave out the pseudo-header.",
  }),
  track_src_ip: keyword.flag("trackSource", {
    doc: "A fault when the configured source address is lost.",
  }),
  no_virtual_ipaddress: keyword.flag("noVirtualAddress", {
    since: "2.2.8",
    doc: "An instance without addresses is accepted.",
  }),
} as const;

const guard = {
  split_brain_guard: keyword.block({
    shape: "",
    body: guardScope,
    open: (draft, _header, { at }) => (draft.guard ??= newGuardDraft(at)),
    ours: true,
    source: "docs/split-brain.md",
    doc: "What must hold before the instance becomes MASTER.",
  }),
} as const;

export const vrrpInstanceScope: Scope<VrrpInstanceDraft> = {
  name: "vrrp_instance",
  keywords: {
    ...identity,
    ...election,
    ...addressing,
    ...unicastKeywords,
    ...linkKeywords,
    ...authKeywords,
    ...alertKeywords,
    ...instanceGarpKeywords,
    ...vrrpListKeywords,
    ...guard,
  },
};
