import type { VrrpInstanceConfig } from "../config/model.js";

/**
 * What makes two instances of two configurations the same one. The name is not part of it: renaming moves nothing on
 * the wire. Unicast instances with the same VRID and source are told apart by their peers.
 */
export function instanceKey(config: VrrpInstanceConfig): string {
  const cast = config.unicastPeers.length > 0 ? `unicast ${config.sourceAddress ?? "auto"}` : "multicast";
  const place =
    config.interface === "" && config.unicast.vrf !== undefined ? `vrf ${config.unicast.vrf}` : config.interface;
  return `${config.vrid} ${config.family} ${place} ${cast}`;
}

/** Keys of all instances. A second one with the same key gets its peers appended, so that keys are unique. */
export function instanceKeys(configs: readonly VrrpInstanceConfig[]): ReadonlyMap<string, VrrpInstanceConfig> {
  const keys = new Map<string, VrrpInstanceConfig>();
  for (const config of configs) {
    const plain = instanceKey(config);
    const key = keys.has(plain) ? withPeers(config) : plain;
    keys.set(keys.has(key) ? `${key} ${config.name}` : key, config);
  }
  return keys;
}

/** Under which of several keys one of another configuration may be known, the more exact one first. */
export const wasKeyOf = (config: VrrpInstanceConfig): readonly string[] => [withPeers(config), instanceKey(config)];

const withPeers = (config: VrrpInstanceConfig): string => `${instanceKey(config)} ${config.unicastPeers.join(",")}`;
