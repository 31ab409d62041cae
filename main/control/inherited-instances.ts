import type { VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import { instanceKeys } from "../vrrp/instance-key.js";
import type { HostNetwork } from "../vrrp/ports.js";
import { vipInterface } from "../vrrp/vip-interface.js";

/** What the addresses of a host say of an instance: who has them is MASTER. `unknown`: it has none of its own. */
export interface InheritedInstance {
  readonly key: string;
  readonly config: VrrpInstanceConfig;
  readonly was: "MASTER" | "BACKUP" | "unknown";
}

/** Which instances another daemon on this host leads. @param placed with the names of virtual links */
export function inheritedInstances(
  placed: readonly VrrpInstanceConfig[],
  network: Pick<HostNetwork, "link" | "addresses">,
): readonly InheritedInstance[] {
  return [...instanceKeys(placed)].map(([key, config]) => ({ key, config, was: stateOf(config, network) }));
}

/** Addresses that are not tracked may be missing without a change of state. */
function stateOf(
  config: VrrpInstanceConfig,
  network: Pick<HostNetwork, "link" | "addresses">,
): InheritedInstance["was"] {
  const all = [...config.virtualAddresses, ...config.excludedAddresses];
  const tracked = all.filter(({ more }) => more.tracked);
  const telling = tracked.length > 0 ? tracked : all;
  if (telling.length === 0) return "unknown";
  return telling.every((address) => isThere(config, address, network)) ? "MASTER" : "BACKUP";
}

function isThere(
  config: VrrpInstanceConfig,
  { address, prefix, dev }: VirtualAddress,
  network: Pick<HostNetwork, "link" | "addresses">,
): boolean {
  const link = network.link(dev ?? vipInterface(config));
  if (link === undefined) return false;
  return network.addresses(link.index).some((there) => there.address === address && there.prefix === prefix);
}
