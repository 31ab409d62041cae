import type { Config } from "../config/model.js";
import type { FifoSettings, Side } from "../notify/fifos.js";
import type { Options } from "./options.js";

/** The notify FIFOs of a configuration: a side that does not run has nothing to tell. */
export function fifoSettings(config: Config, daemons: Options["daemons"], umask: number): FifoSettings {
  const sides = new Set<Side>();
  if (daemons.vrrp && config.vrrpInstances.length > 0) sides.add("vrrp");
  if (daemons.checker && config.virtualServers.length > 0) sides.add("lvs");
  const { fifos, scripts } = config.global;
  return { fifos, defaultOwner: scripts.user, umask, sides };
}
