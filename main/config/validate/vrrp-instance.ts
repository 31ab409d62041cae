import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { TrackDraft } from "../keywords/track-line.js";
import type { NotifyEvent, VrrpInstanceDraft } from "../keywords/vrrp-instance.js";
import type { VrrpInstanceConfig, VrrpNotifyConfig, VrrpScriptConfig } from "../model.js";
import type { ConfigHost } from "../ports.js";
import type { ScriptResolver } from "../scripts.js";
import { didYouMean } from "../suggest.js";
import { finishAddresses, type InstanceAddresses, warnUnlessLinkLocal } from "./vrrp-addresses.js";
import { finishRules } from "./vrrp-rules.js";
import { finishAdvertInterval, finishElection, finishGarp } from "./vrrp-timing.js";

export interface VrrpContext {
  readonly global: GlobalDraft;
  readonly host: ConfigHost;
  readonly diagnostics: Diagnostics;
  readonly resolver: ScriptResolver;
  /** Usable ones; `declared` also holds those that were dropped with a message of their own. */
  readonly scripts: readonly VrrpScriptConfig[];
  readonly declared: ReadonlySet<string>;
}

/** An instance with inheritance, defaults and keepalived's corrections; undefined when it cannot run. */
export function finishVrrpInstance(draft: VrrpInstanceDraft, context: VrrpContext): VrrpInstanceConfig | undefined {
  const { global, host, diagnostics } = context;
  const dynamic = global.dynamicInterfaces === true;
  const addresses = finishAddresses(draft, { host, dynamic, diagnostics });
  const version = versionOf(draft, addresses, global, diagnostics);
  if (!isComplete(draft, diagnostics) || draft.interface === undefined || draft.vrid === undefined) return undefined;
  if (addresses.family === "inet6") {
    const hint = "run keepalived for it, or use IPv4 addresses; the instance is left out";
    diagnostics.error("CFG_NOT_IN_VERSION", draft.at, `(${draft.name}) VRRP over IPv6 is not in this version`, hint);
    return undefined;
  }
  checkInterface(draft.interface, draft.name, context);
  const strict = draft.strict ?? global.vrrpStrict ?? false;
  if (strict) warnUnlessLinkLocal(draft.name, draft.at, addresses, diagnostics);
  warnWithoutAddresses(draft, addresses, diagnostics);
  const election = finishElection(draft, global, strict, diagnostics);
  return {
    name: draft.name,
    at: draft.at,
    version,
    interface: draft.interface.name,
    vrid: draft.vrid,
    ...election,
    ...addresses,
    advertInterval: finishAdvertInterval(draft, version, diagnostics),
    ...finishRules(draft, { ...context, version, strict, owner: election.basePriority === 255, addresses }),
    strict,
    trackInterfaces: trackedInterfaces(draft, context),
    trackScripts: trackedScripts(draft, context),
    dontTrackPrimary: draft.dontTrackPrimary ?? false,
    skipCheckAdvAddr: draft.skipCheckAdvAddr ?? global.skipCheckAdvAddr ?? false,
    garp: finishGarp(draft, global, strict, diagnostics),
    notify: finishNotify(draft, context),
    smtpAlert: draft.smtpAlert ?? global.smtpAlertVrrp ?? global.smtpAlert ?? false,
  };
}

function versionOf(
  draft: VrrpInstanceDraft,
  { family }: InstanceAddresses,
  global: GlobalDraft,
  diagnostics: Diagnostics,
): 2 | 3 {
  if (family === "inet") return draft.version ?? global.vrrpVersion ?? 2;
  if (draft.version === 2) {
    const message = `(${draft.name}) VRRP version 2 is not for IPv6; version 3 is used`;
    diagnostics.error("CFG_BAD_VALUE", draft.at, message, "remove version 2");
  }
  return 3;
}

function isComplete(draft: VrrpInstanceDraft, diagnostics: Diagnostics): boolean {
  const { name, at } = draft;
  if (draft.vrid === undefined) {
    const hint = "write: virtual_router_id <1..255>; the instance is left out";
    diagnostics.error("CFG_INCOMPLETE", at, `(${name}) the virtual router id must be set`, hint);
  }
  if (draft.interface === undefined) {
    const hint = "write: interface NAME; the instance is left out";
    diagnostics.error("CFG_INCOMPLETE", at, `(${name}) Unknown interface!`, hint);
  }
  if (draft.authType !== "AH") return draft.vrid !== undefined && draft.interface !== undefined;
  const hint = "use auth_type PASS on all routers of this VRID; the instance is left out";
  diagnostics.error("CFG_NOT_IN_VERSION", at, `(${name}) auth_type AH is not in this version`, hint);
  return false;
}

function checkInterface(
  { name, at }: NonNullable<VrrpInstanceDraft["interface"]>,
  instance: string,
  { global, host, diagnostics }: VrrpContext,
): void {
  if (name === "lo") {
    const message = `(${instance}) VRRP on the loopback interface reaches nobody but this host`;
    diagnostics.warn("CFG_ADVICE", at, message, "keepalived refuses it; name a network interface");
  } else if (!host.interfaceExists(name)) {
    const message = `WARNING - interface ${name} for vrrp_instance ${instance} doesn't exist`;
    const hint = "correct the name (ip link lists them); the instance is in FAULT until the interface appears";
    if (global.dynamicInterfaces === true) diagnostics.warn("CFG_ADVICE", at, message, hint);
    else diagnostics.error("CFG_INTERFACE", at, message, `${hint}; dynamic_interfaces in global_defs allows that`);
  }
}

function warnWithoutAddresses(draft: VrrpInstanceDraft, addresses: InstanceAddresses, diagnostics: Diagnostics): void {
  if (addresses.virtualAddresses.length > 0 || draft.noVirtualAddress === true) return;
  const message = `(${draft.name}) No VIP specified; at least one is sensible`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: virtual_ipaddress { ADDRESS }");
}

function trackedInterfaces(
  draft: VrrpInstanceDraft,
  { global, host, diagnostics }: VrrpContext,
): VrrpInstanceConfig["trackInterfaces"] {
  return withoutRepeats(draft, draft.trackInterfaces, "tracked interface", diagnostics).flatMap((track) => {
    if (global.dynamicInterfaces !== true && !host.interfaceExists(track.name)) {
      const message = `(${draft.name}) tracked interface ${track.name} doesn't exist`;
      diagnostics.error("CFG_INTERFACE", track.at, message, "correct the name; it is not tracked");
      return [];
    }
    return [{ name: track.name, weight: track.weight ?? 0, reverse: track.reverse ?? false }];
  });
}

function trackedScripts(draft: VrrpInstanceDraft, context: VrrpContext): VrrpInstanceConfig["trackScripts"] {
  const { scripts, declared, diagnostics } = context;
  return withoutRepeats(draft, draft.trackScripts, "track script", diagnostics).flatMap((track) => {
    const script = scripts.find(({ name }) => name === track.name);
    if (script === undefined) {
      const hint = declared.has(track.name)
        ? "see the message about the script itself"
        : (didYouMean(track.name, declared) ?? `write: vrrp_script ${track.name} { script ... }`);
      const message = `(${draft.name}) track script ${track.name} not found, ignoring...`;
      if (declared.has(track.name)) diagnostics.warn("CFG_TRACK_SCRIPT", track.at, message, hint);
      else diagnostics.error("CFG_UNKNOWN_NAME", track.at, message, hint);
      return [];
    }
    return [{ name: track.name, weight: track.weight ?? script.weight, reverse: track.reverse ?? script.reverse }];
  });
}

function withoutRepeats(
  draft: VrrpInstanceDraft,
  tracks: readonly TrackDraft[],
  what: string,
  diagnostics: Diagnostics,
): readonly TrackDraft[] {
  const seen = new Set<string>();
  return tracks.filter(({ name, at }) => {
    if (seen.has(name)) {
      const message = `(${draft.name}) ${what} ${name} is given twice; the first one is used`;
      diagnostics.error("CFG_DUPLICATE", at, message, "remove one of them");
      return false;
    }
    seen.add(name);
    return true;
  });
}

function finishNotify(draft: VrrpInstanceDraft, { resolver }: VrrpContext): VrrpNotifyConfig {
  const command = (event: NotifyEvent) => {
    const line = draft.notify[event];
    return line === undefined
      ? undefined
      : resolver.resolve(line, `${line.keyword} script of vrrp_instance ${draft.name}`);
  };
  return {
    all: command("all"),
    master: command("master"),
    backup: command("backup"),
    fault: command("fault"),
    stop: command("stop"),
  };
}
