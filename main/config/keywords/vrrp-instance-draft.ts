import type { IpAddress } from "../../address.js";
import type { Milliseconds, Priority, Vrid } from "../../units.js";
import type { ScriptLine } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import type { AddressDraft } from "./address-line.js";
import type { GarpDraft } from "./garp.js";
import type { Named } from "./named.js";
import type { RouteDraft } from "./route-draft.js";
import type { RuleDraft } from "./rule-line.js";
import type { GuardDraft } from "./split-brain-guard.js";
import type { TrackDraft } from "./track-line.js";

export type NotifyEvent = "all" | "master" | "backup" | "fault" | "stop";

/** How many trackers of each kind were declared when a block that may name them began: later ones come too late. */
export interface DeclaredBefore {
  readonly scripts: number;
  readonly files: number;
  readonly processes: number;
  readonly bfds: number;
}

/** The tracked things of an instance or a sync group. */
export interface TrackLists {
  readonly trackInterfaces: TrackDraft[];
  readonly trackScripts: TrackDraft[];
  readonly trackFiles: TrackDraft[];
  readonly trackProcesses: TrackDraft[];
  readonly trackBfds: TrackDraft[];
  readonly trackQuorums: TrackDraft[];
}

export const newTrackLists = (): TrackLists => ({
  trackInterfaces: [],
  trackScripts: [],
  trackFiles: [],
  trackProcesses: [],
  trackBfds: [],
  trackQuorums: [],
});

export interface PeerDraft {
  readonly address: IpAddress;
  readonly at: SourcePosition;
  readonly minTtl: number | undefined;
  readonly maxTtl: number | undefined;
}

/** `use_vmac` or `use_ipvlan`. */
export type LinkDraft =
  | { kind: "vmac"; at: SourcePosition; name?: string; mac?: readonly number[]; notify?: boolean; group?: Named }
  | {
      kind: "ipvlan";
      at: SourcePosition;
      name?: string;
      address?: { readonly address: IpAddress; readonly prefix: number; readonly at: SourcePosition };
      mode?: "bridge" | "private" | "vepa";
      group?: Named;
    };

/** What one `vrrp_instance` block said; validate/vrrp-instance.ts fills in the rest. */
export interface VrrpInstanceDraft extends GarpDraft, TrackLists {
  readonly name: string;
  readonly at: SourcePosition;
  readonly declared: DeclaredBefore;
  state?: "MASTER" | "BACKUP";
  interface?: Named;
  vrf?: Named;
  vrid?: Vrid;
  priority?: Priority;
  version?: 2 | 3;
  nativeIpv6?: SourcePosition;
  advertInterval?: Milliseconds;
  authType?: "PASS" | "AH";
  authPass?: string;
  hmac?: HmacDraft;
  guard?: GuardDraft;
  link?: LinkDraft;
  vmacForAddresses?: boolean;
  transmitBase?: boolean;
  readonly addresses: AddressDraft[];
  readonly excluded: AddressDraft[];
  readonly routes: RouteDraft[];
  readonly rules: RuleDraft[];
  readonly unicastPeers: PeerDraft[];
  sourceAddress?: { readonly address: IpAddress; readonly at: SourcePosition };
  multicastGroup?: { readonly address: IpAddress; readonly at: SourcePosition };
  trackSource?: boolean;
  unicastKeyword?: boolean;
  unicastFaultNoPeer?: boolean;
  unicastTtl?: { readonly ttl: number; readonly at: SourcePosition };
  checkUnicastSource?: boolean;
  oldUnicastChecksum?: "always" | "never";
  v3ChecksumAsV2?: boolean;
  dontTrackPrimary?: boolean;
  nopreempt?: boolean;
  preemptDelay?: Milliseconds;
  downTimerAdverts?: number;
  timerExpiredBackup?: number;
  strict?: boolean;
  accept?: boolean;
  skipCheckAdvAddr?: boolean;
  lowerPrioNoAdvert?: boolean;
  higherPrioSendAdvert?: boolean;
  ownerIgnoreAdverts?: boolean;
  noVirtualAddress?: boolean;
  promoteSecondaries?: boolean;
  linkbeatPolling?: boolean;
  receiveBufferBytes?: number;
  debug?: number;
  smtpAlert?: boolean;
  notifyDeleted?: boolean;
  notifyDeletedScript?: ScriptLine;
  notifyLowerPriority?: ScriptLine;
  notifyPriorityChanges?: boolean;
  garpExtra?: { readonly all: boolean; readonly interval: Milliseconds };
  syncDaemonInterface?: string;
  readonly notify: { [E in NotifyEvent]?: ScriptLine };
}

/** What `auth_hmac` said. Keys are secret. */
export interface HmacDraft {
  readonly keys: { readonly id: number; readonly value: string; readonly at: SourcePosition }[];
  activeKey?: number;
  timeWindow?: Milliseconds;
  antiReplay?: "time" | "monotonic";
  mode?: "enforce" | "permissive" | "receive-only";
}

export const newVrrpInstanceDraft = (
  name: string,
  at: SourcePosition,
  declared: DeclaredBefore,
): VrrpInstanceDraft => ({
  name,
  at,
  declared,
  ...newTrackLists(),
  addresses: [],
  excluded: [],
  routes: [],
  rules: [],
  unicastPeers: [],
  notify: {},
});
