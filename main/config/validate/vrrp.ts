import type { Diagnostics } from "../diagnostics.js";
import { IprouteNames } from "../iproute-names.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpDraft } from "../keywords/vrrp-blocks.js";
import type { VrrpSections } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";
import type { ScriptResolver } from "../scripts.js";
import type { LookUp } from "./names.js";
import { RulePreferences } from "./rules.js";
import { withOwnLinkNames, withoutVridClashes } from "./vrrp-clashes.js";
import { finishSyncGroups, finishTrackGroups } from "./vrrp-groups.js";
import { finishLinkSettings, finishStatic } from "./vrrp-host.js";
import { finishVrrpInstance, type VrrpContext } from "./vrrp-instance.js";
import { warnOfLinkLocalUnicast } from "./vrrp-link-local.js";
import { finishVrrpScripts } from "./vrrp-script.js";
import { finishTrackFiles, finishTrackProcesses } from "./vrrp-trackers.js";
import { byName, placesOf } from "./vrrp-tracks.js";

/** What every part of the validation needs. */
export interface FinishContext {
  readonly global: GlobalDraft;
  readonly host: ConfigHost;
  readonly resolver: ScriptResolver;
  readonly diagnostics: Diagnostics;
}

/** The VRRP side with inheritance, defaults and cross checks. */
export function finishVrrp(draft: VrrpDraft, { global, host, resolver, diagnostics }: FinishContext): VrrpSections {
  const names = new IprouteNames(host, [
    global.iprouteUsrDir ?? "/usr/share/iproute2",
    global.iprouteEtcDir ?? "/etc/iproute2",
  ]);
  const lookUp: LookUp = { host, diagnostics, names, dynamic: global.dynamicInterfaces !== undefined };
  const scripts = finishVrrpScripts(draft.vrrpScripts, resolver, diagnostics);
  const files = finishTrackFiles(draft.trackFiles, lookUp);
  const processes = finishTrackProcesses(draft.trackProcesses, lookUp);
  const places = {
    scripts: placesOf(draft.vrrpScripts),
    files: placesOf(draft.trackFiles),
    processes: placesOf(draft.trackProcesses),
    bfds: placesOf(draft.bfdInstances ?? []),
  };
  const bfds = (draft.bfdInstances ?? [])
    .filter(({ neighborIp, spoiled }) => neighborIp !== undefined && spoiled !== true)
    .map(({ name, weight = 0, reverse = false }) => ({ name, weight, reverse }));
  const preferences = new RulePreferences();
  const trackable = {
    scripts: byName(scripts),
    files: byName(files),
    processes: byName(processes),
    bfds: byName(bfds),
    places,
  };
  const context: VrrpContext = { ...lookUp, global, resolver, preferences, trackable };
  const declared = new Set(draft.vrrpInstances.map(({ name }) => name));
  const finished = draft.vrrpInstances.flatMap((instance) => finishVrrpInstance(instance, context) ?? []);
  const distinct = withOwnLinkNames(withoutVridClashes(finished, diagnostics), diagnostics);
  warnOfLinkLocalUnicast(distinct, diagnostics);
  const { groups, instances } = finishSyncGroups(draft.syncGroups, { declared, instances: distinct }, context);
  const trackGroups = finishTrackGroups(draft.trackGroups, { declared, instances }, diagnostics);
  return {
    vrrpScripts: scripts,
    vrrpInstances: instances,
    syncGroups: groups,
    trackers: { files, processes, groups: trackGroups },
    staticEntries: finishStatic(draft, trackGroups, preferences, {
      ...lookUp,
      defaultInterface: global.defaultInterface,
    }),
    linkSettings: finishLinkSettings(draft, lookUp),
  };
}
