import type { Diagnostics } from "../diagnostics.js";
import type { VrrpInstanceConfig } from "../model.js";

/**
 * Leaves out every instance whose VRID an earlier one uses on the same interface and family. keepalived then does not
 * start VRRP at all; we keep the first. Unicast and multicast are separate VRID spaces, and unicast instances may share
 * a VRID when they have no peer in common.
 */
export function withoutVridClashes(
  instances: readonly VrrpInstanceConfig[],
  diagnostics: Diagnostics,
): readonly VrrpInstanceConfig[] {
  const kept: VrrpInstanceConfig[] = [];
  const users = new Map<string, VrrpInstanceConfig>();
  for (const instance of instances) {
    const wanted = claims(instance);
    const other = wanted.map((claim) => users.get(claim)).find((user) => user !== undefined);
    if (other !== undefined) {
      const family = instance.family === "inet" ? "IPv4" : "IPv6";
      const where = instance.interface === "" ? "without an interface" : `on interface ${instance.interface}`;
      const names = `${other.name} and ${instance.name}`;
      const message = `${names} both use VRID ${instance.vrid} with ${family} ${where}`;
      diagnostics.error("CFG_DUPLICATE", instance.at, message, `give ${instance.name} another VRID; it is left out`);
      continue;
    }
    for (const claim of wanted) users.set(claim, instance);
    kept.push(instance);
  }
  return kept;
}

/** What only one instance may have: its VRID, with unicast for each pair of source and peer. */
function claims(instance: VrrpInstanceConfig): readonly string[] {
  const { vrid, family, sourceAddress, unicastPeers, unicast } = instance;
  const own = `${vrid} ${family} ${instance.interface} ${unicast.vrf ?? ""}`;
  return unicastPeers.length === 0 ? [own] : unicastPeers.map((peer) => `${own} ${sourceAddress} ${peer}`);
}

/** A virtual interface belongs to one instance: later ones get a generated name instead. */
export function withOwnLinkNames(
  instances: readonly VrrpInstanceConfig[],
  diagnostics: Diagnostics,
): readonly VrrpInstanceConfig[] {
  const users = new Map<string, string>();
  return instances.map((instance) => {
    const { own } = instance.virtualInterface;
    if (own?.name === undefined) return instance;
    const user = users.get(own.name);
    if (user === undefined) {
      users.set(own.name, instance.name);
      return instance;
    }
    const message = `(${instance.name}) VMAC interface name ${own.name} is used by ${user} already - ignoring`;
    diagnostics.error("CFG_DUPLICATE", instance.at, message, "give each virtual interface its own name");
    return { ...instance, virtualInterface: { ...instance.virtualInterface, own: { ...own, name: undefined } } };
  });
}
