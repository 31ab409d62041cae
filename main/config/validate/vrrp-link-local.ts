import type { Diagnostics } from "../diagnostics.js";
import { isLinkLocal6 } from "../ip.js";
import type { VrrpInstanceConfig } from "../model.js";

/**
 * Unicast between link-local addresses on an interface that also carries a macvlan for IPv6: the kernel then has two interfaces on one
 * segment with fe80::/64, and adverts to a peer may leave or arrive by the wrong one, from another address than the peer expects.
 */
export function warnOfLinkLocalUnicast(instances: readonly VrrpInstanceConfig[], diagnostics: Diagnostics): void {
  const macvlans = new Map<string, string>();
  for (const { name, family, interface: base, virtualInterface } of instances) {
    const { own, transmitBase } = virtualInterface;
    if (own?.kind === "vmac" && family === "inet6" && !transmitBase && !macvlans.has(base)) macvlans.set(base, name);
  }
  for (const { name, at, interface: base, sourceAddress, unicastPeers } of instances) {
    const owner = macvlans.get(base);
    const peer = unicastPeers.find(isLinkLocal6);
    if (owner === undefined || peer === undefined || (sourceAddress !== undefined && !isLinkLocal6(sourceAddress)))
      continue;
    const message = `(${name}) unicast to link-local ${peer} on ${base}, where the VMAC of ${owner} has a link-local address too: adverts may take the wrong interface`;
    diagnostics.warn("CFG_ADVICE", at, message, `write vmac_xmit_base into ${owner}, or use other unicast addresses`);
  }
}
