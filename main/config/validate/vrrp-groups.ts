import type { Diagnostics } from "../diagnostics.js";
import type { SyncGroupDraft, TrackGroupDraft } from "../keywords/vrrp-groups.js";
import type { VrrpInstanceConfig } from "../model.js";
import type { SyncGroupConfig, TrackGroupConfig } from "../model-vrrp.js";
import { didYouMean } from "../suggest.js";
import type { VrrpContext } from "./vrrp-instance.js";
import { finishNotify } from "./vrrp-notify.js";
import { finishTracks, withoutWeights } from "./vrrp-tracks.js";

export interface Members {
  /** Names that a `vrrp_instance` block has, usable or not. */
  readonly declared: ReadonlySet<string>;
  readonly instances: readonly VrrpInstanceConfig[];
}

/** Sync groups with their members, and the instances with what membership forbids them. */
export function finishSyncGroups(
  drafts: readonly SyncGroupDraft[],
  { declared, instances }: Members,
  context: VrrpContext,
): { readonly groups: readonly SyncGroupConfig[]; readonly instances: readonly VrrpInstanceConfig[] } {
  const groupOf = new Map<string, string>();
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const groups = drafts.flatMap((draft) => {
    const members = membersOf(draft, declared, groupOf, context.diagnostics);
    if (members.length === 0) return [];
    const running = members.filter((name) => byName.has(name));
    const owners = running.filter((name) => byName.get(name)?.basePriority === OWNER);
    if (owners.length > 0 && owners.length < running.length) warnOfOwners(draft, owners, context.diagnostics);
    const group = finishGroup(draft, running, context);
    for (const name of running) {
      const member = byName.get(name);
      if (member !== undefined) byName.set(name, asMember(member, group, context.diagnostics));
    }
    return running.length === 0 ? [] : [group];
  });
  return { groups, instances: instances.map((instance) => byName.get(instance.name) ?? instance) };
}

/** Priority of the owner of the addresses. */
const OWNER = 255;

/** Owners want to be MASTER at once, the others wait to hear nobody: they never start together. */
function warnOfOwners({ name, at }: SyncGroupDraft, owners: readonly string[], diagnostics: Diagnostics): void {
  const message = `Sync group ${name} has some member(s) as address owner and some not as address owner. This won't work.`;
  diagnostics.warn("CFG_ADVICE", at, message, `give ${owners.join(", ")} a priority below 255, or all of them 255`);
}

function membersOf(
  draft: SyncGroupDraft,
  declared: ReadonlySet<string>,
  groupOf: Map<string, string>,
  diagnostics: Diagnostics,
): readonly string[] {
  const { name: group, at } = draft;
  if (draft.members === undefined) {
    const message = `Sync group ${group} has no virtual router(s). removing`;
    diagnostics.error("CFG_INCOMPLETE", at, message, "write: group { <instance> <instance> }");
    return [];
  }
  const members: string[] = [];
  for (const member of draft.members) {
    const before = groupOf.get(member.text);
    if (!declared.has(member.text)) {
      const message = `Virtual router ${member.text} specified in sync group ${group} doesn't exist - ignoring`;
      const hint = didYouMean(member.text, declared) ?? `write: vrrp_instance ${member.text} { ... }`;
      diagnostics.error("CFG_UNKNOWN_NAME", member.at, message, hint);
    } else if (before !== undefined) {
      const message = `Virtual router ${member.text} cannot exist in more than one sync group; ignoring ${group}`;
      diagnostics.error("CFG_DUPLICATE", member.at, message, `it belongs to ${before} already: remove it from one`);
    } else {
      groupOf.set(member.text, group);
      members.push(member.text);
    }
  }
  if (members.length === 0) {
    const message = `Sync group ${group}, no matching virtual router found in group declaration - removing`;
    diagnostics.error("CFG_INCOMPLETE", at, message, "name instances that exist");
  } else if (members.length === 1) {
    const message = `Sync group ${group} has only 1 virtual router(s) - this probably isn't what you want`;
    diagnostics.warn("CFG_ADJUSTED", at, message, "name at least two instances, or remove the group");
  }
  return members;
}

function finishGroup(draft: SyncGroupDraft, members: readonly string[], context: VrrpContext): SyncGroupConfig {
  const { global } = context;
  return {
    name: draft.name,
    at: draft.at,
    members,
    ...finishTracks(draft, context),
    trackingWeight: draft.trackingWeight ?? false,
    notify: finishNotify(draft.notify, `vrrp_sync_group ${draft.name}`, context.resolver),
    smtpAlert: draft.smtpAlert ?? global.smtpAlertVrrp ?? global.smtpAlert ?? false,
    notifyPriorityChanges: draft.notifyPriorityChanges,
  };
}

/** Members of a group have one priority among them, unless weights are allowed. */
function asMember(member: VrrpInstanceConfig, group: SyncGroupConfig, diagnostics: Diagnostics): VrrpInstanceConfig {
  for (const { name } of group.trackInterfaces) {
    const twice = name === member.interface || member.trackInterfaces.some((track) => track.name === name);
    if (!twice) continue;
    const message = `(${member.name}) track_interface ${name} is configured on VRRP instance and sync group`;
    diagnostics.warn("CFG_ADJUSTED", member.at, message, "remove it from the instance or from the group");
  }
  if (group.trackingWeight) return member;
  const why = `sync group ${group.name} without sync_group_tracking_weight`;
  return { ...member, ...withoutWeights(member, member, why, { interfaces: true, files: true }, diagnostics) };
}

/** Names that are no instance are only told, as in keepalived. */
export function finishTrackGroups(
  drafts: readonly TrackGroupDraft[],
  { declared, instances }: Members,
  diagnostics: Diagnostics,
): readonly TrackGroupConfig[] {
  const running = new Set(instances.map(({ name }) => name));
  return drafts.flatMap(({ name, at, members = [] }) => {
    for (const member of members) {
      if (declared.has(member.text)) continue;
      const message = `track_group ${name}: instance ${member.text} doesn't exist`;
      diagnostics.warn("CFG_ADVICE", member.at, message, didYouMean(member.text, declared));
    }
    if (members.length === 0) {
      const message = `track_group ${name} has no members - removing`;
      diagnostics.error("CFG_INCOMPLETE", at, message, "write: group { <instance> ... }");
      return [];
    }
    return [{ name, members: [...new Set(members.map(({ text }) => text))].filter((member) => running.has(member)) }];
  });
}
