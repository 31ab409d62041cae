import { port, type Vrid } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { SyncDaemonDraft } from "../keywords/global-lvs.js";
import type { LvsGlobals, SyncDaemonConfig } from "../model-global.js";
import { didYouMean } from "../suggest.js";

export interface NamedInstance {
  readonly name: string;
  readonly vrid?: Vrid;
}

/** What `global_defs` says about IPVS, and the sync daemon with the instance that it follows. */
export const finishLvsGlobals = (
  draft: GlobalDraft,
  instances: readonly NamedInstance[],
  diagnostics: Diagnostics,
): LvsGlobals => ({
  timeouts: { tcp: draft.lvsTimeouts.tcp, tcpFin: draft.lvsTimeouts.tcpFin, udp: draft.lvsTimeouts.udp },
  flush: draft.lvsFlush ?? false,
  flushOnStop: draft.lvsFlushOnStop ?? "off",
  syncDaemon: finishSyncDaemon(draft.lvsSyncDaemon, instances, diagnostics),
  initNotifies: draft.rsInitNotifies ?? false,
});

/** A name that no instance has drops the whole setting, as in keepalived, which only logs it. */
function finishSyncDaemon(
  draft: SyncDaemonDraft | undefined,
  instances: readonly NamedInstance[],
  diagnostics: Diagnostics,
): SyncDaemonConfig | undefined {
  if (draft === undefined) return undefined;
  const { instance, at } = draft;
  const followed = instances.find(({ name }) => name === instance);
  if (instance !== undefined && followed === undefined) {
    const names = instances.map(({ name }) => name);
    const message = `lvs_sync_daemon: there is no vrrp_instance ${instance} - ignoring`;
    const hint = didYouMean(instance, names) ?? "name a vrrp_instance, or leave it out to run both roles";
    diagnostics.warn("CFG_ADVICE", at, message, hint);
    return undefined;
  }
  return {
    interface: draft.interface,
    instance,
    id: draft.id ?? followed?.vrid ?? 0,
    maxLength: draft.maxLength,
    port: port(draft.port ?? 8848),
    ttl: draft.ttl,
    group: draft.group ?? "224.0.0.81",
  };
}
