import { virtualServerKey } from "../config/identity.js";
import type { Config } from "../config/model.js";
import { keys } from "../health/generation.js";
import type { QuorumMemory } from "../health/quorum-memory.js";

/**
 * After a crash: virtual servers that are tracked and have no quorum, by the names that VRRP tracks them by. The checks say so again
 * only when they are read, and an instance that must not be master would have become it by then.
 */
export function* lostQuorums(
  { virtualServers, vrrpInstances, syncGroups }: Pick<Config, "virtualServers" | "vrrpInstances" | "syncGroups">,
  memory: Pick<QuorumMemory, "get">,
): Generator<string> {
  const trackers = [...vrrpInstances, ...syncGroups].flatMap(({ track }) => track.quorums ?? []);
  if (trackers.length === 0) return;
  const tracked = new Set(trackers.map(({ name }) => name));
  const keyOf = keys();
  for (const config of virtualServers) {
    const [name, key] = [virtualServerKey(config), keyOf(config)];
    if (tracked.has(name) && memory.get(key) === "down") yield name;
  }
}
