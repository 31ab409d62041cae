import type { IpAddress } from "../address.js";
import type { GlobalConfig } from "../config/model.js";
import type { AddressFilter } from "../vrrp/ports.js";

/** A VMAC with addresses of IPv6. `shared`: the link-local address that it has from the interface below it. */
export interface VmacOfIpv6 {
  readonly vmac: string;
  readonly base: string;
  readonly shared: IpAddress | undefined;
}

/** What drops packets to addresses of masters that do not accept them; nftables (packet-filter.ts) or iptables (iptables.ts). */
export interface HostFilter extends AddressFilter, Disposable {
  /** Before anything is made; what is there keeps its names. */
  configure(config: Pick<GlobalConfig, "packetFilter" | "vrrpIptables">): void;
  /** @param links names of VMACs that join a multicast group, and of the interfaces below them */
  redirectIgmp(links: readonly { readonly vmac: string; readonly base: string }[]): void;
  /** Before the VMAC is up, so that nothing leaves with the virtual MAC address. */
  redirectMld(vmac: VmacOfIpv6): void;
  /** The VMAC is gone. */
  forgetMld(vmac: string): void;
  /** At the end. Resolves when nothing of it is left. */
  remove(): Promise<void>;
}
