import type { VrrpInstanceDump, VrrpScriptDump } from "../observe/vrrp-dump.js";
import type { ScriptSnapshot } from "../vrrp/script-monitor.js";
import type { VrrpSnapshot } from "../vrrp/snapshot.js";
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
      masterPriority: snapshot.masterPriority,
      masterAdvertInterval: snapshot.masterAdvertInterval,
      masterDownInterval: masterDownInterval(config, snapshot.effectivePriority, snapshot.masterAdvertInterval),
      lastTransition: snapshot.lastTransition === undefined ? 0 : snapshot.lastTransition.at + offset,
      sourceAddress: snapshot.source,
      vipsSet: snapshot.vipSet,
      virtualSet: snapshot.virtualAddresses.map(({ set }) => set),
      excludedSet: snapshot.excludedAddresses.map(({ set }) => set),
      faults: snapshot.faults.length,
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

export function scriptDump({ config, standing, running, result }: ScriptSnapshot): VrrpScriptDump {
  const status = { init: "init", up: "good", down: "bad" } as const;
  return { config, status: status[standing], run: running ? "running" : "idle", result };
}
