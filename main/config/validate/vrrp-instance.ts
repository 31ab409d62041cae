import type { Family } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { VrrpInstanceConfig } from "../model.js";
import type { InstanceExtras, VirtualInterfaceSettings } from "../model-vrrp.js";
import type { ScriptResolver } from "../scripts.js";
import type { LookUp } from "./names.js";
import { finishRoute } from "./routes.js";
import { finishRule, type RulePreferences } from "./rules.js";
import { familyOfInstance, finishAddresses, type InstanceAddresses, warnUnlessLinkLocal } from "./vrrp-addresses.js";
import { finishGuard } from "./vrrp-guard.js";
import { finishLink, finishPromotion } from "./vrrp-link.js";
import { finishNotify } from "./vrrp-notify.js";
import { finishPlace } from "./vrrp-place.js";
import { finishRules } from "./vrrp-rules.js";
import { finishAdvertInterval, finishElection, finishGarp } from "./vrrp-timing.js";
import { finishTracks, type TrackContext, type Tracks, withoutWeights } from "./vrrp-tracks.js";
import { finishPeers } from "./vrrp-unicast.js";
import { finishWire } from "./vrrp-wire.js";

export interface VrrpContext extends LookUp, TrackContext {
  readonly global: GlobalDraft;
  readonly resolver: ScriptResolver;
  readonly preferences: RulePreferences;
}

const OWNER = 255;

/** An instance with inheritance, defaults and keepalived's corrections; undefined when it cannot run. */
export function finishVrrpInstance(draft: VrrpInstanceDraft, context: VrrpContext): VrrpInstanceConfig | undefined {
  const { global, diagnostics, resolver } = context;
  const family = familyOfInstance(draft);
  const strict = draft.strict ?? global.vrrpStrict ?? false;
  const version = versionOf(draft, family, strict, global, diagnostics);
  const addresses = finishAddresses(draft, family, version, context);
  const peers = finishPeers(draft, family, global, diagnostics);
  const complete = hasVrid(draft, diagnostics);
  const place = finishPlace(draft, peers, context);
  if (!complete || place === undefined || draft.vrid === undefined) return undefined;
  if (strict) warnUnlessLinkLocal(draft.name, draft.at, addresses, diagnostics);
  warnWithoutAddresses(draft, addresses, strict, diagnostics);
  const election = finishElection(draft, global, strict, diagnostics);
  const owner = election.basePriority === OWNER;
  const unicast = peers.unicastPeers.length > 0;
  const virtualInterface = finishLink(draft, { ...context, family, strict, unicast });
  const tracks = withoutOwnInterface(draft, finishTracks(draft, context), diagnostics);
  const advertInterval = finishAdvertInterval(draft, version, diagnostics);
  const guard = finishGuard(draft.guard, { name: draft.name, advertInterval, resolver, diagnostics });
  return {
    name: draft.name,
    at: draft.at,
    version,
    interface: place,
    vrid: draft.vrid,
    ...election,
    ...addresses,
    ...peers,
    advertInterval,
    ...finishRules(draft, { ...context, version, strict, owner, unicast }),
    ...finishWire(draft, { ...context, family, version, strict, unicast }),
    strict,
    ...(owner ? ownersTracks(draft, tracks, diagnostics) : tracks),
    dontTrackPrimary: draft.dontTrackPrimary ?? false,
    skipCheckAdvAddr: draft.skipCheckAdvAddr ?? global.skipCheckAdvAddr ?? false,
    garp: finishGarp(draft, global, strict, diagnostics),
    notify: finishNotify(draft.notify, `vrrp_instance ${draft.name}`, resolver),
    smtpAlert: draft.smtpAlert ?? global.smtpAlertVrrp ?? global.smtpAlert ?? false,
    virtualInterface,
    routes: draft.routes.flatMap((route) => finishRoute(route, context) ?? []),
    rules: draft.rules.flatMap((rule) => finishRule(rule, context.preferences, context) ?? []),
    extras: extrasOf(draft, election.preempt, virtualInterface.own, context),
    ...(guard === undefined ? {} : { guard }),
  };
}

/** The instance's own interface is tracked anyway, unless dont_track_primary says otherwise. */
function withoutOwnInterface(draft: VrrpInstanceDraft, tracks: Tracks, diagnostics: Diagnostics): Tracks {
  const own = draft.trackInterfaces.find(({ name }) => name === draft.interface?.text);
  if (own === undefined) return tracks;
  const message = `(${draft.name}) Ignoring track_interface ${own.name} since own interface`;
  diagnostics.warn(
    "CFG_ADJUSTED",
    own.at,
    message,
    "remove it: it is tracked already, unless dont_track_primary is given",
  );
  return { ...tracks, trackInterfaces: tracks.trackInterfaces.filter(({ name }) => name !== own.name) };
}

const ownersTracks = (draft: VrrpInstanceDraft, tracks: Tracks, diagnostics: Diagnostics) =>
  withoutWeights(draft, tracks, "address_owner", { interfaces: false, files: false }, diagnostics);

function versionOf(
  draft: VrrpInstanceDraft,
  family: Family,
  strict: boolean,
  global: GlobalDraft,
  diagnostics: Diagnostics,
): 2 | 3 {
  if (family === "inet") return draft.version ?? global.vrrpVersion ?? 2;
  if (draft.version !== 2 || !strict) return draft.version ?? 3; // some routers speak version 2 over IPv6
  const message = `(${draft.name}) VRRP version 2 is not for IPv6 in strict mode; version 3 is used`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "remove version 2 or vrrp_strict");
  return 3;
}

function hasVrid({ name, at, vrid }: VrrpInstanceDraft, diagnostics: Diagnostics): boolean {
  if (vrid !== undefined) return true;
  const hint = "write: virtual_router_id <1..255>; the instance is left out";
  diagnostics.error("CFG_INCOMPLETE", at, `(${name}) the virtual router id must be set`, hint);
  return false;
}

function warnWithoutAddresses(
  draft: VrrpInstanceDraft,
  addresses: InstanceAddresses,
  strict: boolean,
  diagnostics: Diagnostics,
): void {
  if (strict && draft.noVirtualAddress === true) {
    const message = `(${draft.name}) no_virtual_ipaddress is incompatible with strict mode - resetting`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "remove it or strict_mode");
  }
  if (addresses.virtualAddresses.length > 0 || (draft.noVirtualAddress === true && !strict)) return;
  const message = `(${draft.name}) No VIP specified; at least one is sensible`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: virtual_ipaddress { ADDRESS }");
}

/** One literal: V8 gave each of a thousand that were put together of parts a shape of its own, 0.6 kB. */
function extrasOf(
  draft: VrrpInstanceDraft,
  preempt: boolean,
  own: VirtualInterfaceSettings["own"],
  context: VrrpContext,
): InstanceExtras {
  const { resolver, global, diagnostics } = context;
  const { name, at, sourceAddress, notifyDeletedScript, notifyLowerPriority } = draft;
  if (draft.timerExpiredBackup !== undefined && preempt) {
    const message = `(${name}) timer_expired_backup is only for nopreempt - resetting`;
    diagnostics.warn("CFG_ADJUSTED", at, message, "write nopreempt, or remove it");
  }
  const resolve = (line: typeof notifyLowerPriority) =>
    line && resolver.resolve(line, `${line.keyword} script of vrrp_instance ${name}`);
  return {
    // keepalived clears it in silence.
    trackSourceAddress: draft.trackSource === true && sourceAddress !== undefined,
    timerExpiredBackup: preempt ? undefined : draft.timerExpiredBackup,
    syncDaemonInterface: draft.syncDaemonInterface,
    linkbeatPolling: draft.linkbeatPolling ?? false,
    receiveBufferBytes: draft.receiveBufferBytes,
    garpExtra: draft.garpExtra ?? global.garpExtraIf,
    notifyDeleted: draft.notifyDeleted ?? false,
    notifyDeletedScript: resolve(notifyDeletedScript),
    notifyLowerPriority: resolve(notifyLowerPriority),
    notifyPriorityChanges: draft.notifyPriorityChanges,
    debug: draft.debug ?? 0,
    promoteSecondaries: finishPromotion(draft, own, context),
  };
}
