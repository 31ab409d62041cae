import type { IpAddress } from "../../address.js";
import { type Milliseconds, type Priority, priority, type Vrid, vrid } from "../../units.js";
import { choice, integer, interfaceName, ipArg, seconds, switchArg } from "../args.js";
import { keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { SourcePosition, VirtualAddress } from "../model.js";
import { type GarpDraft, instanceGarpKeywords } from "./garp.js";
import { later } from "./later.js";
import type { TrackDraft } from "./track-line.js";
import { vrrpListKeywords } from "./vrrp-lists.js";

export type NotifyEvent = "all" | "master" | "backup" | "fault" | "stop";

/** What one `vrrp_instance` block said; validate/vrrp-instance.ts fills in the rest. */
export interface VrrpInstanceDraft extends GarpDraft {
  readonly name: string;
  readonly at: SourcePosition;
  state?: "MASTER" | "BACKUP";
  interface?: { readonly name: string; readonly at: SourcePosition };
  vrid?: Vrid;
  priority?: Priority;
  version?: 2 | 3;
  advertInterval?: Milliseconds;
  authType?: "PASS" | "AH";
  authPass?: string;
  readonly addresses: { readonly address: VirtualAddress; readonly at: SourcePosition }[];
  readonly excluded: { readonly address: VirtualAddress; readonly at: SourcePosition }[];
  readonly trackInterfaces: TrackDraft[];
  readonly trackScripts: TrackDraft[];
  readonly unicastPeers: { readonly address: IpAddress; readonly at: SourcePosition }[];
  sourceAddress?: { readonly address: IpAddress; readonly at: SourcePosition };
  unicastKeyword?: boolean;
  dontTrackPrimary?: boolean;
  nopreempt?: boolean;
  preemptDelay?: Milliseconds;
  downTimerAdverts?: number;
  strict?: boolean;
  accept?: boolean;
  skipCheckAdvAddr?: boolean;
  lowerPrioNoAdvert?: boolean;
  higherPrioSendAdvert?: boolean;
  ownerIgnoreAdverts?: boolean;
  noVirtualAddress?: boolean;
  smtpAlert?: boolean;
  readonly notify: { [E in NotifyEvent]?: ScriptLine };
}

export const newVrrpInstanceDraft = (name: string, at: SourcePosition): VrrpInstanceDraft => ({
  name,
  at,
  addresses: [],
  excluded: [],
  trackInterfaces: [],
  trackScripts: [],
  unicastPeers: [],
  notify: {},
});

const keyword = keywordsFor<VrrpInstanceDraft>();
const SOURCE = "keepalived.conf(5) vrrp_instance";

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
    repeat: "last-wins",
    source: SOURCE,
    doc: "State wished for at the start.",
  }),
  interface: keyword.value({
    args: [interfaceName],
    apply: (draft, [name], { at }) => {
      draft.interface = { name, at };
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Interface that the instance runs on.",
  }),
  virtual_router_id: keyword.value({
    args: [integer(1, 255)],
    apply: (draft, [id]) => {
      draft.vrid = vrid(id);
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) virtual_router_id; RFC 5798 §5.2.3",
    doc: "Identifies the virtual router; unique per interface and address family.",
  }),
  priority: keyword.value({
    args: [integer(1, 255)],
    apply: (draft, [value]) => {
      draft.priority = priority(value);
    },
    onInvalid: { use: [100], says: "using default 100" },
    repeat: "last-wins",
    source: "keepalived.conf(5) priority; RFC 5798 §5.2.4",
    doc: "Election weight; 255 is reserved for the owner of the address.",
  }),
  version: keyword.value({
    args: [choice("2", "3")],
    apply: (draft, [version]) => {
      draft.version = version === "3" ? 3 : 2;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Protocol version; 3 for IPv6, else vrrp_version.",
  }),
  advert_int: keyword.value({
    args: [seconds(0.01, 255, 6)],
    apply: (draft, [interval]) => {
      draft.advertInterval = interval;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Interval between adverts: whole seconds in version 2, hundredths up to 40.95 s in version 3.",
  }),
} as const;

const election = {
  preempt: flag((draft) => {
    draft.nopreempt = false;
  }, "Cancels an earlier nopreempt."),
  nopreempt: flag((draft) => {
    draft.nopreempt = true;
  }, "A master of lower priority stays."),
  preempt_delay: keyword.value({
    args: [seconds(0, 1000, 6)],
    apply: (draft, [delay]) => {
      draft.preemptDelay = delay;
    },
    onInvalid: { use: [0 as Milliseconds], says: "0 is used" },
    repeat: "last-wins",
    source: SOURCE,
    doc: "Extra wait before taking over from a master of lower priority.",
  }),
  down_timer_adverts: keyword.value({
    args: [integer(1, 100)],
    apply: (draft, [count]) => {
      draft.downTimerAdverts = count;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Missed adverts that make up the master-down timer.",
  }),
  dont_track_primary: flag((draft) => {
    draft.dontTrackPrimary = true;
  }, "Faults of the instance's own interface are ignored."),
  lower_prio_no_advert: switchKeyword("lowerPrioNoAdvert", "A master stays silent on hearing a lower priority."),
  higher_prio_send_advert: switchKeyword("higherPrioSendAdvert", "A master sends one advert before it yields."),
  owner_ignore_adverts: switchKeyword("ownerIgnoreAdverts", "The address owner disregards received adverts."),
  skip_check_adv_addr: switchKeyword("skipCheckAdvAddr", "Addresses in adverts of the same master are not re-checked."),
  strict_mode: switchKeyword("strict", "Conformance with the RFC."),
  accept: flag((draft) => {
    draft.accept = true;
  }, "Packets to the addresses are accepted when not their owner."),
  no_accept: flag((draft) => {
    draft.accept = false;
  }, "Packets to the addresses are dropped when not their owner."),
} as const;

const addressing = {
  mcast_src_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at }) => {
      draft.sourceAddress = { address, at };
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Source address of adverts.",
  }),
  unicast_src_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at }) => {
      draft.sourceAddress = { address, at };
      draft.unicastKeyword = true;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc: "Source address of unicast adverts.",
  }),
  no_virtual_ipaddress: flag((draft) => {
    draft.noVirtualAddress = true;
  }, "An instance without addresses is accepted."),
} as const;

const alerts = {
  smtp_alert: switchKeyword("smtpAlert", "Mail on transitions."),
  notify: notifyKeyword("all", "Script run on every transition, with TYPE NAME STATE PRIORITY appended."),
  notify_master: notifyKeyword("master", "Script run on becoming master."),
  notify_backup: notifyKeyword("backup", "Script run on becoming backup."),
  notify_fault: notifyKeyword("fault", "Script run on a fault."),
  notify_stop: notifyKeyword("stop", "Script run when VRRP stops."),
} as const;

type SwitchField =
  | "lowerPrioNoAdvert"
  | "higherPrioSendAdvert"
  | "ownerIgnoreAdverts"
  | "skipCheckAdvAddr"
  | "strict"
  | "smtpAlert";

function switchKeyword(field: SwitchField, doc: string) {
  return keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      draft[field] = on;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });
}

function flag(set: (draft: VrrpInstanceDraft) => void, doc: string) {
  return keyword.value({
    args: [],
    apply: (draft) => set(draft),
    onInvalid: "ignore",
    repeat: "last-wins",
    source: SOURCE,
    doc,
  });
}

function notifyKeyword(event: NotifyEvent, doc: string) {
  return keyword.script({
    apply: (draft, script) => {
      draft.notify[event] = script;
    },
    source: "keepalived.conf(5) vrrp_instance",
    doc,
  });
}

export const vrrpInstanceScope: Scope<VrrpInstanceDraft> = {
  name: "vrrp_instance",
  keywords: { ...identity, ...election, ...addressing, ...alerts, ...instanceGarpKeywords, ...vrrpListKeywords },
  later: later.vrrp_instance,
};
