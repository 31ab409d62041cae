import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { InterfaceAddress } from "./ports.js";

/**
 * The source address of an instance's adverts: the configured one, else the first IPv4 address of its interface.
 * Virtual addresses (ours or of another instance) come and go, so they are taken only when there is nothing else and we
 * own them (priority 255).
 */
export function chooseSource(
  config: Pick<VrrpInstanceConfig, "sourceAddress" | "basePriority">,
  addresses: readonly InterfaceAddress[],
  virtual: ReadonlySet<IpAddress>,
): IpAddress | undefined {
  if (config.sourceAddress !== undefined) return config.sourceAddress;
  const usable = addresses.filter((a) => !a.tentative && a.address.includes("."));
  const lasting = usable.find((a) => !virtual.has(a.address));
  if (lasting !== undefined) return lasting.address;
  return config.basePriority === 255 ? usable[0]?.address : undefined;
}
