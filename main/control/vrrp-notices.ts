import type { Config } from "../config/model.js";
import type { NotifyEvent } from "../notify/notifier.js";
import type { VrrpNotice, VrrpTransition } from "../vrrp/instance-types.js";
import type { VrrpSnapshot } from "../vrrp/snapshot.js";
import type { GroupSnapshot } from "../vrrp/sync-groups.js";

/** What happens to virtual routers, as scripts, FIFOs and mail are told of it. */

/** Undefined: nobody is told of INIT. */
export function transitionEvent({ instance, to, priority }: VrrpTransition): NotifyEvent | undefined {
  if (to === "INIT") return undefined;
  const { name, notify, smtpAlert, extras } = instance;
  const deletedScript = extras.notifyDeletedScript;
  return { kind: "instance", name, state: to, priority, notify, deletedScript, smtpAlert };
}

/** @param reporting see `reportingPriority` */
export function noticeEvent(notice: VrrpNotice, reporting: ReadonlySet<string>): NotifyEvent | undefined {
  const { instance, priority, state } = notice;
  const { name, extras } = instance;
  if (notice.on === "lower-priority")
    return { kind: "lower-priority", name, priority, script: extras.notifyLowerPriority };
  if (notice.on !== "priority") return { kind: "masters", name, two: notice.on === "two-masters", priority };
  return reporting.has(name) ? { kind: "priority", name, isMaster: state === "MASTER", priority } : undefined;
}

/** Names of instances whose priority changes are told: their own setting, else the sync group's, else the global one. */
export function reportingPriority(config: Config): ReadonlySet<string> {
  const ofGroup = new Map(
    config.syncGroups.flatMap(({ members, notifyPriorityChanges }) =>
      members.map((name) => [name, notifyPriorityChanges] as const),
    ),
  );
  const ofAll = config.global.instanceDefaults.notifyPriorityChanges;
  const on = config.vrrpInstances.filter(
    ({ name, extras }) => extras.notifyPriorityChanges ?? ofGroup.get(name) ?? ofAll,
  );
  return new Set(on.map(({ name }) => name));
}

/** For fifo_write_vrrp_states_on_reload: instances, then groups, as they are told at every change. */
export function* stateEvents(
  snapshots: Iterable<VrrpSnapshot>,
  groups: () => readonly GroupSnapshot[],
): Generator<NotifyEvent> {
  for (const { config, state, effectivePriority } of snapshots) {
    if (state === "INIT") continue;
    yield { kind: "state", type: "INSTANCE", name: config.name, state, priority: effectivePriority };
  }
  for (const { config, state } of groups()) {
    if (state !== "INIT") yield { kind: "state", type: "GROUP", name: config.name, state, priority: 0 };
  }
}
