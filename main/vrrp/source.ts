import { familyOf, type IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { HostNetwork, InterfaceAddress } from "./ports.js";

const isLinkLocal6 = (address: IpAddress): boolean => /^fe[89ab]/.test(address);

/**
 * The source address of an instance's adverts: the configured one, else the first IPv4 address of its interface, or its
 * link-local one for IPv6 (RFC 5798 §5.1.2.1). One whose uniqueness is still being looked into may not be used yet.
 * Virtual addresses (ours or of another instance) come and go, so they are taken only when there is nothing else and we
 * own them (priority 255).
 */
export function chooseSource(
  config: Pick<VrrpInstanceConfig, "sourceAddress" | "basePriority" | "family">,
  addresses: readonly InterfaceAddress[],
  virtual: ReadonlySet<IpAddress>,
): IpAddress | undefined {
  if (config.sourceAddress !== undefined) return config.sourceAddress;
  let first: IpAddress | undefined;
  // The host's own address comes first as a rule; behind it there may be thousands of virtual ones.
  for (const { address, tentative } of addresses) {
    if (tentative || familyOf(address) !== config.family || (config.family === "inet6" && !isLinkLocal6(address)))
      continue;
    if (!virtual.has(address)) return address;
    first ??= address;
  }
  return config.basePriority === 255 ? first : undefined;
}

/**
 * track_src_ip: the configured source address is on no interface of this host. One that instances float is not looked for: its
 * owner has it only once it is master.
 */
export function sourceIsLost(
  { sourceAddress, extras }: Pick<VrrpInstanceConfig, "sourceAddress" | "extras">,
  network: Pick<HostNetwork, "hasAddress">,
  virtual: ReadonlySet<IpAddress>,
): boolean {
  if (!extras.trackSourceAddress || sourceAddress === undefined || virtual.has(sourceAddress)) return false;
  return network.hasAddress?.(sourceAddress) === false;
}
