import { familyOf } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import { virtualServerKey } from "../identity.js";
import type { Config, VirtualAddress, VirtualServerConfig } from "../model.js";

/**
 * An IPv6 address that is preferred may be a source: IPVS then takes it as that of what it sends through a tunnel to an IPv6 server,
 * which has the same address and drops what seems to come from itself (ip6_tnl_rcv_ctl of net/ipv6/ip6_tunnel.c). By default those
 * with a prefix of /128 are not preferred, and others are.
 */
export function adviseTunnelSources(
  { vrrpInstances, virtualServers }: Pick<Config, "vrrpInstances" | "virtualServers">,
  diagnostics: Diagnostics,
): void {
  const preferred = new Map<string, { readonly held: VirtualAddress; readonly instance: string }>();
  for (const { name, virtualAddresses, excludedAddresses } of vrrpInstances)
    for (const held of [...virtualAddresses, ...excludedAddresses])
      if (familyOf(held.address) === "inet6" && held.more.preferredLifetime !== 0)
        preferred.set(held.address, { held, instance: name });
  if (preferred.size === 0) return;
  for (const server of virtualServers) {
    const { service } = server;
    const found = service.kind === "address" ? preferred.get(service.address) : undefined;
    if (found === undefined || !hasTunnelOverIpv6(server)) continue;
    const { held, instance } = found;
    const what = `virtual address ${held.address}/${held.prefix} of ${instance} may be a source`;
    const effect = `what IPVS tunnels to the IPv6 servers of ${virtualServerKey(server)} may then come from it, and they drop that`;
    const hint = `write ${held.address}/128, or add to its line: preferred_lft 0`;
    diagnostics.warn("CFG_ADVICE", undefined, `${what}: ${effect}`, hint);
  }
}

const hasTunnelOverIpv6 = ({ realServers }: VirtualServerConfig): boolean =>
  realServers.some(({ address, ipvs }) => ipvs.forwarding.method === "TUN" && familyOf(address) === "inet6");
