import type { Config } from "../config/model.js";
import type { SyncDaemonConfig } from "../config/model-global.js";
import { type SyncDaemon, type SyncRole, syncRoles } from "../ipvs/sync-daemon.js";
import type { WantedTimeouts } from "../ipvs/timeouts.js";
import { port } from "../units.js";

/**
 * `lvs_sync_daemon`, else the first `lvs_sync_daemon_interface` of an instance, which is its older form. That one has sync id 0, with
 * which keepalived is on the other side.
 */
export function syncDaemonOf({ global, vrrpInstances }: Config): SyncDaemonConfig | undefined {
  if (global.lvs.syncDaemon !== undefined) return global.lvs.syncDaemon;
  for (const { name, extras } of vrrpInstances)
    if (extras.syncDaemonInterface !== undefined)
      return {
        interface: extras.syncDaemonInterface,
        instance: name,
        id: 0,
        maxLength: undefined,
        port: port(8848),
        ttl: undefined,
        group: "224.0.0.81",
      };
  return undefined;
}

/**
 * Sync daemons that are to run now. A master sends; whoever may become master receives, also in FAULT.
 * @param stateOf state of an instance; undefined: it does not run here
 */
export function syncDaemonsFor(
  config: SyncDaemonConfig | undefined,
  stateOf: (instance: string) => string | undefined,
): readonly SyncDaemon[] {
  if (config === undefined) return [];
  const { instance, interface: device, id, maxLength, port: number, ttl, group } = config;
  const common = { interface: device, id, maxLength, port: number, ttl, group };
  return rolesFor(instance, stateOf).map((role) => ({ role, ...common }));
}

function rolesFor(instance: string | undefined, stateOf: (name: string) => string | undefined): readonly SyncRole[] {
  if (instance === undefined) return syncRoles;
  const state = stateOf(instance);
  if (state === undefined) return [];
  return state === "MASTER" ? ["master"] : ["backup"];
}

/** As the kernel counts: whole seconds. */
export function wantedTimeouts({ tcp, tcpFin, udp }: Config["global"]["lvs"]["timeouts"]): WantedTimeouts {
  const seconds = (time: number | undefined): number | undefined => time && time / 1000;
  return { tcp: seconds(tcp), tcpFin: seconds(tcpFin), udp: seconds(udp) };
}
