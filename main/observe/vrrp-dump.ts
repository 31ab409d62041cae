import type { IpAddress } from "../address.js";
import type { ScriptCommand, VirtualAddress, VrrpInstanceConfig, VrrpScriptConfig } from "../config/model.js";
import type {
  GarpGroupConfig,
  StaticEntriesConfig,
  SyncGroupConfig,
  TrackFileConfig,
  TrackGroupConfig,
  TrackProcessConfig,
  TrackRef,
} from "../config/model-vrrp.js";
import type { Milliseconds, Priority } from "../units.js";
import { routeText, ruleText } from "./route-text.js";

/** What keepalived.json, keepalived.stats and keepalived.data show: the configuration and a snapshot of what lives. */
export interface VrrpDump {
  readonly instances: readonly VrrpInstanceDump[];
  readonly scripts: readonly VrrpScriptDump[];
  /** What follows is shown when there is any. */
  readonly groups?: readonly SyncGroupDump[];
  readonly files?: readonly TrackFileDump[];
  readonly processes?: readonly TrackProcessDump[];
  readonly bfds?: readonly TrackBfdDump[];
  readonly garpGroups?: readonly GarpGroupDump[];
  readonly staticEntries?: StaticEntriesConfig;
  /** By position in the addresses of `staticEntries`: is it on its interface? */
  readonly staticSet?: readonly boolean[];
  readonly trackGroups?: readonly TrackGroupConfig[];
  readonly links?: readonly LinkDump[];
}

export interface SyncGroupDump {
  readonly config: SyncGroupConfig;
  readonly state: VrrpStateName;
  /** Members with faults of their own, and members whose scripts have not reported. */
  readonly faults: number;
  readonly waiting: number;
}

export interface TrackFileDump {
  readonly config: TrackFileConfig;
  /** The number in the file; 0 without one. */
  readonly status: number;
}

export interface TrackProcessDump {
  readonly config: TrackProcessConfig;
  readonly running: number;
  readonly haveQuorum: boolean;
  /** A change that waits for fork_delay or terminate_delay. */
  readonly delayed: "none" | "fork" | "terminate";
}

export interface TrackBfdDump {
  /** The session, with the weight of trackers that name none. */
  readonly config: TrackRef;
  readonly up: boolean;
}

/** Times are when the next announcement may go: wall clock, milliseconds since 1970; 0: none has gone yet. */
export interface GarpGroupDump {
  readonly config: Pick<GarpGroupConfig, "garpInterval" | "gnaInterval" | "interfaces" | "shared">;
  readonly garpNext: number;
  readonly gnaNext: number;
}

/** A network interface of the host. */
export interface LinkDump {
  readonly name: string;
  readonly index: number;
  /** Its own, not those that instances hold. */
  readonly addresses: readonly IpAddress[];
  readonly mac: Uint8Array;
  readonly broadcast: Uint8Array;
  /** IFF_* of linux/if.h. */
  readonly flags: number;
  /** ARPHRD_* of linux/if_arp.h. */
  readonly hardware: number;
  readonly mtu: number;
  readonly delays: { readonly up: Milliseconds; readonly down: Milliseconds };
  readonly delayed: boolean;
  /** A VMAC or ipvlan, with what it is made of. */
  readonly virtual: VirtualLinkDump | undefined;
  readonly created: boolean;
  /** How it is polled; undefined: netlink tells of it. */
  readonly polled: string | undefined;
  readonly vrf: { readonly table: number } | { readonly master: string } | undefined;
  /** Instances, each with the weight that the interface has there. */
  readonly tracking: readonly TrackRef[];
}

export interface VirtualLinkDump {
  readonly kind: "macvlan" | "ipvlan";
  readonly mode: string;
  readonly lower: string;
  readonly lowerFlags: number;
}

export interface VrrpInstanceDump {
  readonly config: VrrpInstanceConfig;
  readonly live: VrrpInstanceLive;
}

export type VrrpStateName = "INIT" | "BACKUP" | "MASTER" | "FAULT" | "DELETED" | "STOP";

/** Numbers that JSON, SNMP and D-Bus use. */
export const vrrpStateNumbers: Readonly<Record<VrrpStateName, number>> = {
  INIT: 0,
  BACKUP: 1,
  MASTER: 2,
  FAULT: 3,
  DELETED: 97,
  STOP: 98,
};

export interface VrrpInstanceLive {
  readonly state: VrrpStateName;
  readonly wantState: VrrpStateName;
  readonly effectivePriority: Priority;
  /** Priority of the last accepted advert; 0 before the first one. */
  readonly masterPriority: number;
  /** VRRPv3 learns it from the master; else the configured one. */
  readonly masterAdvertInterval: Milliseconds;
  readonly masterDownInterval: Milliseconds;
  /** Wall clock, milliseconds since 1970, with fraction. */
  readonly lastTransition: number;
  readonly sourceAddress: IpAddress | undefined;
  /** True from the moment the addresses were added until they are removed. */
  readonly vipsSet: boolean;
  /** By position in `config.virtualAddresses` and `config.excludedAddresses`: is it on the interface? */
  readonly virtualSet: readonly boolean[];
  readonly excludedSet: readonly boolean[];
  /** Interfaces and scripts that hold the instance in FAULT. */
  readonly faults: number;
  readonly stats: VrrpStats;
  /** Scripts that have not reported. */
  readonly scriptsWaiting?: number;
  /** Next advert of a master, end of master-down of a backup; wall clock as above. */
  readonly readTimeout?: number | undefined;
  /** VMAC or ipvlan that it runs on. */
  readonly virtualDevice?: string | undefined;
  /** Interval of the announcements of addresses on other interfaces, where it has such addresses. */
  readonly garpExtra?: Milliseconds | undefined;
  /** Who a backup follows; absent: nobody was heard yet. */
  readonly masterAddress?: IpAddress | undefined;
}

/** Counters since start (or since they were cleared). */
export interface VrrpStats {
  readonly advertRcvd: number;
  readonly advertSent: number;
  readonly becomeMaster: number;
  readonly releaseMaster: number;
  readonly packetLenErr: number;
  readonly advertIntervalErr: number;
  readonly ipTtlErr: number;
  readonly invalidTypeRcvd: number;
  readonly addrListErr: number;
  readonly invalidAuthtype: number;
  readonly authtypeMismatch: number;
  readonly authFailure: number;
  readonly authExtMissing: number;
  readonly authExtMalformed: number;
  readonly authExtUnknownKey: number;
  readonly authExtInvalidHmac: number;
  readonly authExtStale: number;
  readonly authExtReplay: number;
  readonly priZeroRcvd: number;
  readonly priZeroSent: number;
}

export interface VrrpScriptDump {
  readonly config: VrrpScriptConfig;
  /** `init`: has not ended yet. */
  readonly status: "init" | "good" | "bad";
  readonly run: "idle" | "running" | "requested termination" | "forcing termination";
  /** The counter of the rise and fall rule. */
  readonly result: number;
}

/** Whole words in quotes, as keepalived prints a command: `'/bin/echo' 'a b'`. */
export const quotedCommand = (command: ScriptCommand): string => command.argv.map((word) => `'${word}'`).join(" ");

const scopes: Readonly<Record<number, string>> = { 0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere" };

/** As in dump files: `10.9.0.1/24 dev eth0 scope global label eth0:1 set`. Exporters take words 1 and 3. */
export function addressText(address: VirtualAddress, ownInterface: string, isSet: boolean, group?: string): string {
  const v6 = address.address.includes(":");
  const host = address.prefix === (v6 ? 128 : 32);
  const { peer, home, detectDuplicates, managesTemporary, noPrefixRoute, autojoin, useVmac, base } = address.more;
  return [
    host ? address.address : `${address.address}/${address.prefix}`,
    ...(address.broadcast === undefined ? [] : [`brd ${address.broadcast}`]),
    `dev ${address.dev ?? ownInterface}${base === undefined ? "" : `@${base}`}`,
    ...(useVmac ? ["use_vmac"] : []),
    `scope ${scopes[address.scope] ?? String(address.scope)}`,
    ...(address.label === undefined ? [] : [`label ${address.label}`]),
    ...(peer === undefined ? [] : [`peer ${peer}/${v6 ? 128 : 32}`]),
    ...(home ? ["home"] : []),
    ...(detectDuplicates ? ["-nodad"] : []),
    ...(managesTemporary ? ["mngtmpaddr"] : []),
    ...(noPrefixRoute ? ["noprefixroute"] : []),
    ...(autojoin ? ["autojoin"] : []),
    ...(address.more.tracked ? [] : ["no_track"]),
    ...(group === undefined ? [] : [`track_group ${group}`]),
    ...(v6 ? [lifetimeText(address)] : []),
    ...(isSet ? ["set"] : []),
  ].join(" ");
}

/** A /128 is deprecated unless configured otherwise, so that it is never chosen as a source. */
function lifetimeText({ more: { preferredLifetime } }: VirtualAddress): string {
  if (preferredLifetime === 0) return "deprecated";
  return `preferred_lft ${preferredLifetime === "forever" ? "forever" : preferredLifetime / 1000}`;
}

/** VIPs, then excluded VIPs, as text. */
export function addressTexts({ config, live }: VrrpInstanceDump): { vips: string[]; evips: string[] } {
  const { virtualDevice } = live;
  const own = virtualDevice === undefined ? config.interface : `${virtualDevice}@${config.interface}`;
  const text = (set: readonly boolean[]) => (address: VirtualAddress, i: number) =>
    addressText(address, own, set[i] ?? false);
  return {
    vips: config.virtualAddresses.map(text(live.virtualSet)),
    evips: config.excludedAddresses.map(text(live.excludedSet)),
  };
}

/** Virtual routes, then rules, as text. */
export function routeTexts({ config }: VrrpInstanceDump): { routes: string[]; rules: string[] } {
  return {
    routes: config.routes.map(routeText),
    rules: config.rules.map(ruleText),
  };
}

/** keepalived ignores the tracking of an instance's own interface, and a script that is tracked twice. */
export function trackedNames({ config }: VrrpInstanceDump): { interfaces: string[]; scripts: string[] } {
  const interfaces = config.trackInterfaces.map(({ name }) => name).filter((name) => name !== config.interface);
  return { interfaces: [...new Set(interfaces)], scripts: [...new Set(config.trackScripts.map(({ name }) => name))] };
}
