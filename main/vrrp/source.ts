import { familyOf, type IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { InterfaceAddress } from "./ports.js";

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
  const fits = (address: IpAddress): boolean =>
    familyOf(address) === config.family && (config.family === "inet" || isLinkLocal6(address));
  const usable = addresses.filter((a) => !a.tentative && fits(a.address));
  const lasting = usable.find((a) => !virtual.has(a.address));
  if (lasting !== undefined) return lasting.address;
  return config.basePriority === 255 ? usable[0]?.address : undefined;
}
