import type {
  SyncGroupDump,
  TrackFileDump,
  TrackProcessDump,
  VrrpInstanceDump,
  VrrpScriptDump,
} from "../observe/vrrp-dump.js";
import { extraPlaces } from "../vrrp/extra-announcements.js";
import type { ProcessSnapshot } from "../vrrp/process-monitor.js";
import type { VrrpRouter } from "../vrrp/router.js";
import type { ScriptSnapshot } from "../vrrp/script-monitor.js";
import type { VrrpSnapshot } from "../vrrp/snapshot.js";
import type { GroupSnapshot } from "../vrrp/sync-groups.js";
import { masterDownInterval } from "../vrrp/timers.js";

/** A running instance as dump files and the status document show it. `offset`: wall clock minus boot time, ms. */
export function instanceDump(snapshot: VrrpSnapshot, offset: number): VrrpInstanceDump {
  const { config, counters } = snapshot;
  return {
    config,
    live: {
      state: snapshot.state,
      wantState: snapshot.wantState,
      effectivePriority: snapshot.effectivePriority,
      masterPriority: snapshot.state === "MASTER" ? 0 : snapshot.masterPriority, // a master follows nobody
      masterAdvertInterval: snapshot.masterAdvertInterval,
      masterDownInterval: masterDownInterval(config, snapshot.effectivePriority, snapshot.masterAdvertInterval),
      lastTransition: snapshot.lastTransition === undefined ? 0 : snapshot.lastTransition.at + offset,
      sourceAddress: snapshot.source,
      vipsSet: snapshot.vipSet,
      virtualSet: snapshot.virtualAddresses.map(({ set }) => set),
      excludedSet: snapshot.excludedAddresses.map(({ set }) => set),
      garpExtra: extraPlaces(config).length > 0 ? config.extras.garpExtra?.interval : undefined,
      masterAddress: snapshot.master?.address,
      virtualDevice: config.virtualInterface.own?.name,
      faults: snapshot.faults.length,
      scriptsWaiting: snapshot.waitingForScripts.length,
      readTimeout: readTimeout(snapshot, offset),
      stats: {
        advertRcvd: counters.advert_rcvd,
        advertSent: counters.advert_sent,
        becomeMaster: counters.become_master,
        releaseMaster: counters.release_master,
        packetLenErr: counters.packet_len_err,
        advertIntervalErr: counters.advert_interval_err,
        ipTtlErr: counters.ip_ttl_err,
        invalidTypeRcvd: counters.invalid_type_rcvd,
        addrListErr: counters.addr_list_err,
        invalidAuthtype: counters.invalid_authtype,
        authtypeMismatch: counters.authtype_mismatch,
        authFailure: counters.auth_failure,
        authExtMissing: counters.auth_ext_missing,
        authExtMalformed: counters.auth_ext_malformed,
        authExtUnknownKey: counters.auth_ext_unknown_key,
        authExtInvalidHmac: counters.auth_ext_invalid_hmac,
        authExtStale: counters.auth_ext_stale,
        authExtReplay: counters.auth_ext_replay,
        priZeroRcvd: counters.pri_zero_rcvd,
        priZeroSent: counters.pri_zero_sent,
      },
    },
  };
}

/** When it acts next if it hears nothing. */
function readTimeout({ state, nextAdvertAt, masterDownAt }: VrrpSnapshot, offset: number): number | undefined {
  const at = state === "MASTER" ? nextAdvertAt : masterDownAt;
  return at === undefined ? undefined : at + offset;
}

/** Faults that it shares with the others of its group are not a member's own: keepalived.conf(5) vrrp_sync_group. */
export function groupDump({ config, state, members }: GroupSnapshot): SyncGroupDump {
  const faults = members.filter(({ own }) => own.faults.length > 0).length;
  const waiting = members.filter(({ own }) => own.waiting.length > 0).length;
  return { config, state, faults, waiting };
}

export const fileDump = ({ config, value = 0 }: ReturnType<VrrpRouter["trackedFiles"]>[number]): TrackFileDump => ({
  config,
  status: value,
});

export function processDump({ config, state: { count = 0, up, changesAt } }: ProcessSnapshot): TrackProcessDump {
  const waits = up && count < config.quorum ? "terminate" : "fork"; // too few are left; else some have come
  const delayed = changesAt === undefined ? "none" : waits;
  return { config, running: count, haveQuorum: up, delayed };
}

export function scriptDump({ config, standing, running, result }: ScriptSnapshot): VrrpScriptDump {
  const status = { init: "init", up: "good", down: "bad" } as const;
  return { config, status: status[standing], run: running ? "running" : "idle", result };
}
