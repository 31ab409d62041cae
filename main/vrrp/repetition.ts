import type { VrrpInstanceConfig } from "../config/model.js";
import { type Milliseconds, ms, type Priority } from "../units.js";
import type { AdvertEvent, BackupState, HeardMaster, State } from "./machine-types.js";
import { masterDownInterval } from "./timers.js";

/**
 * The steady life of a backup: its master says again what it said before. The reducer's answer is then the same state with later times,
 * and one effect, to arm master-down anew. A new state for each advert of a thousand routers lives for an interval, which is long enough to
 * grow old: half a megabyte of garbage a second that only a collection of the whole heap takes away. So the shell keeps the times
 * beside the state while adverts repeat themselves, and puts them in when somebody looks (`putOff`).
 */

/** A backup that follows a master; nothing that it heard is still to be acted upon. */
type Follower = BackupState & { readonly master: HeardMaster };

/** Pure. What `step` would say is `putOff`, and master-down at `now` plus `waitAfter`. A guard changes nothing about it. */
export function isRepetition(
  { version, advertInterval, preempt, preemptDelay }: VrrpInstanceConfig,
  effective: Priority,
  state: State,
  { priority, interval, source }: AdvertEvent,
): state is Follower {
  if (state.at !== "backup" || state.master === undefined) return false;
  const { master, masterInterval, preemptAt, wantsMaster, yielded } = state;
  const isSteady = preemptAt === undefined && !wantsMaster && !yielded;
  const isSame = master.address === source && master.priority === priority && priority !== 0;
  const isFollowed = priority >= effective || (!preempt && preemptDelay === 0);
  return isSteady && isSame && isFollowed && masterInterval === (version === 3 ? interval : advertInterval);
}

/** RFC 5798 §6.4.2 (420): so long after its advert the master is down. */
export const waitAfter = (config: VrrpInstanceConfig, effective: Priority, state: Follower): Milliseconds =>
  masterDownInterval(config, effective, state.masterInterval);

/** The state after adverts that repeated themselves, the last one at `heardAt`. */
export const putOff = (state: BackupState, heardAt: Milliseconds, downAt: Milliseconds): BackupState => ({
  ...state,
  downAt: ms(downAt),
  master: state.master && { ...state.master, heardAt },
});
