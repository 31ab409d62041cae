import type { VrrpInstanceConfig } from "../config/model.js";

type Placed = Pick<VrrpInstanceConfig, "interface"> & Partial<Pick<VrrpInstanceConfig, "virtualInterface">>;

/** The interface that holds addresses without `dev`: the virtual one, where the instance has one. */
export const vipInterface = (config: Placed): string => config.virtualInterface?.own?.name ?? config.interface;

/** The interface that adverts leave by and arrive on. */
export const advertInterface = (config: Placed): string =>
  config.virtualInterface?.transmitBase === true ? config.interface : vipInterface(config);
