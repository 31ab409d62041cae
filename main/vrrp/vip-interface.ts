import type { VrrpInstanceConfig } from "../config/model.js";

type Placed = Pick<VrrpInstanceConfig, "interface"> & Partial<Pick<VrrpInstanceConfig, "virtualInterface" | "unicast">>;

/** The interface that holds addresses without `dev`: the virtual one, where the instance has one. */
export const vipInterface = (config: Placed): string => config.virtualInterface?.own?.name ?? config.interface;

/** The interface (or VRF) that adverts leave by and arrive on; empty: any, as the host's routes have it. */
export function advertInterface(config: Placed): string {
  if (config.interface === "") return config.unicast?.vrf ?? "";
  return config.virtualInterface?.transmitBase === true ? config.interface : vipInterface(config);
}
