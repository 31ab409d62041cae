import type { IpAddress } from "../address.js";
import type { Milliseconds } from "../units.js";
import type { ScriptCommand, SourcePosition, VirtualAddress, VrrpInstanceConfig, VrrpScriptConfig } from "./model.js";
import type { RouteConfig, RuleConfig } from "./model-routes.js";

/** What of a configuration belongs to VRRP. */
export interface VrrpSections {
  readonly vrrpScripts: readonly VrrpScriptConfig[];
  readonly vrrpInstances: readonly VrrpInstanceConfig[];
  readonly syncGroups: readonly SyncGroupConfig[];
  readonly trackers: TrackersConfig;
  /** What is on the host whatever the instances do. */
  readonly staticEntries: StaticEntriesConfig;
  readonly linkSettings: LinkSettingsConfig;
}

/** Something tracked, by its name. */
export interface TrackRef {
  readonly name: string;
  readonly weight: number;
  readonly reverse: boolean;
}

/** Trackers beyond interfaces and scripts. */
export interface MoreTrackers {
  readonly files: readonly TrackRef[];
  readonly processes: readonly TrackRef[];
  readonly bfds: readonly TrackRef[];
  /** Ours: quorums of virtual servers, by the names that they have in the log. Absent: none. */
  readonly quorums?: readonly TrackRef[];
}

export interface SyncGroupConfig {
  readonly name: string;
  readonly at: SourcePosition;
  /** Names of instances that exist, each in no other group. */
  readonly members: readonly string[];
  readonly trackInterfaces: readonly TrackRef[];
  readonly trackScripts: readonly TrackRef[];
  readonly track: MoreTrackers;
  /** Members may have trackers with weights. */
  readonly trackingWeight: boolean;
  readonly notify: {
    readonly all: ScriptCommand | undefined;
    readonly master: ScriptCommand | undefined;
    readonly backup: ScriptCommand | undefined;
    readonly fault: ScriptCommand | undefined;
    readonly stop: ScriptCommand | undefined;
  };
  readonly smtpAlert: boolean;
  /** Undefined: as each member or global_defs has it. */
  readonly notifyPriorityChanges: boolean | undefined;
}

export interface TrackersConfig {
  readonly files: readonly TrackFileConfig[];
  readonly processes: readonly TrackProcessConfig[];
  readonly groups: readonly TrackGroupConfig[];
}

export interface TrackFileConfig {
  readonly name: string;
  readonly path: string;
  readonly weight: number;
  readonly reverse: boolean;
  /** Written when the daemon starts; undefined: the file is left alone. */
  readonly init: { readonly value: number; readonly overwrite: boolean } | undefined;
}

export interface TrackProcessConfig {
  readonly name: string;
  readonly command: string;
  readonly parameters: readonly string[];
  /** How parameters are compared; `none`: only the command is. */
  readonly match: "none" | "exact" | "initial" | "partial";
  readonly weight: number;
  readonly reverse: boolean;
  readonly quorum: number;
  /** Undefined: any number. */
  readonly quorumMax: number | undefined;
  readonly forkDelay: Milliseconds;
  readonly terminateDelay: Milliseconds;
  readonly fullCommand: boolean;
}

/** Masters that give way, and come back, when a static entry of the group is lost. */
export interface TrackGroupConfig {
  readonly name: string;
  readonly members: readonly string[];
}

export interface StaticEntriesConfig {
  readonly addresses: readonly StaticAddressConfig[];
  readonly routes: readonly RouteConfig[];
  readonly rules: readonly RuleConfig[];
}

export interface StaticAddressConfig extends VirtualAddress {
  readonly trackGroup: string | undefined;
}

/** What is set for network interfaces, whatever instances run on them. */
export interface LinkSettingsConfig {
  readonly garpGroups: readonly GarpGroupConfig[];
  readonly linkbeat: readonly { readonly interface: string; readonly method: LinkbeatMethod }[];
  readonly delays: readonly { readonly interface: string; readonly down: Milliseconds; readonly up: Milliseconds }[];
}

/** A rate of gratuitous ARPs and unsolicited neighbour adverts that several interfaces share. 0: no gap. */
export interface GarpGroupConfig {
  readonly garpInterval: Milliseconds;
  readonly gnaInterval: Milliseconds;
  readonly interfaces: readonly string[];
  /** Written as `interfaces`, which dumps number. */
  readonly shared: boolean;
}

export type LinkbeatMethod = "auto" | "MII" | "ETHTOOL" | "IOCTL";

/** The virtual interface that an instance runs on; `name` undefined: generated. */
export type VirtualInterface =
  | {
      readonly kind: "vmac";
      readonly name: string | undefined;
      /** 6 octets, or 5 to which the VRID is added; undefined: as RFC 5798 §7.3 has it. */
      readonly mac: readonly number[] | undefined;
      readonly netlinkNotify: boolean;
      readonly group: number | undefined;
    }
  | {
      readonly kind: "ipvlan";
      readonly name: string | undefined;
      readonly address: { readonly address: IpAddress; readonly prefix: number } | undefined;
      readonly mode: "bridge" | "private" | "vepa";
      readonly group: number | undefined;
    };

export interface VirtualInterfaceSettings {
  readonly own: VirtualInterface | undefined;
  /** Macvlans for addresses on other interfaces too. */
  readonly forAddresses: boolean;
  /** Adverts go out on the interface below it. */
  readonly transmitBase: boolean;
}

export interface UnicastSettings {
  /** Undefined: 255 for IPv4, the kernel's for IPv6. */
  readonly ttl: number | undefined;
  /** Of peers that have limits, by address. */
  readonly ttlLimits: readonly { readonly peer: IpAddress; readonly least: number; readonly most: number }[];
  /** Adverts from other than the peers are dropped. */
  readonly checkSource: boolean;
  readonly faultWithoutPeer: boolean;
  readonly oldChecksum: "detect" | "always" | "never";
  readonly vrf: string | undefined;
}

/** What an instance sends besides what every advert has. */
export interface WireSettings {
  /** auth_type AH: `authPass` is the key of an authentication header. Version 2 over IPv4 only. */
  readonly ah: boolean;
  readonly hmac: HmacConfig | undefined;
  /** mcast_dst_ip. Undefined: the group of the family in global_defs. */
  readonly group: IpAddress | undefined;
  /** v3_checksum_as_v2, of version 3 over IPv4 only. */
  readonly checksumAsV2: boolean;
}

export const plainWire: WireSettings = { ah: false, hmac: undefined, group: undefined, checksumAsV2: false };

/** auth_hmac. Keys are secret, and never logged. */
export interface HmacConfig {
  readonly keys: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** One of `keys`: adverts are signed with it. */
  readonly activeKey: number;
  readonly windowSeconds: number;
  readonly antiReplay: "time" | "monotonic";
  readonly mode: "enforce" | "permissive" | "receive-only";
}

/** Settings of an instance that are read and checked, without effect in this version. */
export interface InstanceExtras {
  readonly trackSourceAddress: boolean;
  /** Highest priority of another router; undefined: off. */
  readonly timerExpiredBackup: number | undefined;
  readonly syncDaemonInterface: string | undefined;
  readonly promoteSecondaries: boolean;
  readonly linkbeatPolling: boolean;
  readonly receiveBufferBytes: number | undefined;
  /** Interval 0: off. */
  readonly garpExtra: { readonly all: boolean; readonly interval: Milliseconds } | undefined;
  readonly notifyDeleted: boolean;
  readonly notifyDeletedScript: ScriptCommand | undefined;
  readonly notifyLowerPriority: ScriptCommand | undefined;
  /** Undefined: as the sync group or global_defs has it. */
  readonly notifyPriorityChanges: boolean | undefined;
  readonly debug: number;
}

export const noExtras: InstanceExtras = {
  trackSourceAddress: false,
  timerExpiredBackup: undefined,
  syncDaemonInterface: undefined,
  promoteSecondaries: false,
  linkbeatPolling: false,
  receiveBufferBytes: undefined,
  garpExtra: undefined,
  notifyDeleted: false,
  notifyDeletedScript: undefined,
  notifyLowerPriority: undefined,
  notifyPriorityChanges: undefined,
  debug: 0,
};

export const noVirtualInterface: VirtualInterfaceSettings = {
  own: undefined,
  forAddresses: false,
  transmitBase: false,
};

export const plainUnicast: UnicastSettings = {
  ttl: undefined,
  ttlLimits: [],
  checkSource: false,
  faultWithoutPeer: false,
  oldChecksum: "detect",
  vrf: undefined,
};

/** What an address line says beside the address. */
export interface AddressExtras {
  /** The other end of a point-to-point link. */
  readonly peer: IpAddress | undefined;
  readonly home: boolean;
  readonly detectDuplicates: boolean;
  readonly managesTemporary: boolean;
  readonly noPrefixRoute: boolean;
  readonly autojoin: boolean;
  /** Losing it affects the instance. */
  readonly tracked: boolean;
  readonly preferredLifetime: Milliseconds | "forever";
  readonly useVmac: boolean;
  /** The interface below the VMAC that `dev` names; known when the VMAC is. */
  readonly base?: string;
}

export const plainAddress: AddressExtras = {
  peer: undefined,
  home: false,
  detectDuplicates: false,
  managesTemporary: false,
  noPrefixRoute: false,
  autojoin: false,
  tracked: true,
  preferredLifetime: "forever",
  useVmac: false,
};
