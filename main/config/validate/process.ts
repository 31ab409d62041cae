import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import { type Child, type ChildDraft, childNames } from "../keywords/global-process.js";
import type { RootDraft } from "../keywords/process.js";
import type { ChildConfig, ProcessConfig, ProcessesConfig } from "../model-global.js";
import type { ConfigHost } from "../ports.js";

/** Fills in the defaults of the settings outside any block. */
export const finishProcess = (draft: RootDraft): ProcessConfig => ({
  netNamespace: draft.netNamespace,
  ipvsNamespace: ipvsNamespace(draft.ipvsNamespace),
  namespaceWithIpsets: draft.namespaceWithIpsets ?? false,
  instanceName: draft.instanceName,
  usePidDir: draft.usePidDir ?? (draft.instanceName !== undefined || draft.netNamespace !== undefined),
  childWaitTime: draft.childWaitTime,
  linkbeatUsePolling: draft.linkbeatUsePolling ?? false,
});

const ipvsNamespace = (name: string | null | undefined): ProcessConfig["ipvsNamespace"] =>
  name === undefined ? "own" : name === null ? "default" : { name };

/** keepalived's names for them with process_names. */
const usualNames: Readonly<Record<Child, string>> = {
  vrrp: "keepalived_vrrp",
  checker: "keepalived_lvs",
  bfd: "keepalived_bfd",
};

/** Names, priorities and processors of the processes. */
export function finishProcesses(draft: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics): ProcessesConfig {
  const [vrrp, checker, bfd] = childNames.map((child): ChildConfig => {
    const given = draft.children[child];
    return {
      name: given.name ?? (draft.useProcessNames === true ? usualNames[child] : undefined),
      priority: given.priority,
      noSwap: given.noSwap ?? false,
      realTimePriority: given.realTimePriority ?? 0,
      realTimeLimit: given.realTimeLimit,
      cpus: existingCpus(given.cpus ?? [], child, host, diagnostics),
    };
  }) as [ChildConfig, ChildConfig, ChildConfig];
  return {
    name: draft.processName,
    vrrp,
    checker,
    bfd,
    maxAutoPriority: draft.maxAutoPriority ?? 0,
    minAutoPriorityDelay: draft.minAutoPriorityDelay ?? ms(1000),
    lateTimerWarning: draft.lateTimerWarning ?? ms(300),
    umask: draft.umask ?? 0o177,
  };
}

const PROCESSORS = "/sys/devices/system/cpu";

/** One that this host has not got clears the set, as one that is no number does. */
function existingCpus(
  cpus: NonNullable<ChildDraft["cpus"]>,
  child: Child,
  host: ConfigHost,
  diagnostics: Diagnostics,
): readonly number[] {
  const known = cpus.length === 0 || host.stat(PROCESSORS) !== undefined;
  const missing = known ? cpus.find(({ cpu }) => host.stat(`${PROCESSORS}/cpu${cpu}`) === undefined) : undefined;
  if (missing === undefined) return [...new Set(cpus.map(({ cpu }) => cpu))].sort((a, b) => a - b);
  const message = `${child}_cpu_affinity: this host has no processor ${missing.cpu} - using all of them`;
  diagnostics.error("CFG_BAD_VALUE", missing.at, message, `see ls -d ${PROCESSORS}/cpu[0-9]*`);
  return [];
}
