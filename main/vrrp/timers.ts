import type { VrrpInstanceConfig } from "../config/model.js";
import { type Milliseconds, ms, type Priority } from "../units.js";

/** The timers of RFC 5798 §6.1 in fractional milliseconds: rounding would let two near priorities fire together. */

/**
 * Skew_Time. v2: (256 - priority) / 256 s whatever the interval (RFC 3768 §6.1).
 * v3: the same share of the master's interval (RFC 5798 §6.1).
 */
export function skewTime(version: 2 | 3, priority: Priority, masterInterval: Milliseconds): Milliseconds {
  return ms(((256 - priority) * (version === 2 ? 1000 : masterInterval)) / 256);
}

/** Master_Down_Interval: `downTimerAdverts` (3 in the RFCs) intervals of the master, and the skew. */
export function masterDownInterval(
  config: Pick<VrrpInstanceConfig, "version" | "downTimerAdverts">,
  priority: Priority,
  masterInterval: Milliseconds,
): Milliseconds {
  return ms(config.downTimerAdverts * masterInterval + skewTime(config.version, priority, masterInterval));
}

/** The deadline after `previous` that is still ahead of `now`: adverts keep their rhythm, missed ones are not made up. */
export function nextDeadline(previous: Milliseconds, interval: Milliseconds, now: Milliseconds): Milliseconds {
  const next = previous + interval;
  return ms(next > now ? next : now + interval);
}
