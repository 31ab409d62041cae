import type { VrrpInstanceConfig } from "../config/model.js";
import { entriesOf, entryDevices } from "../host-entry.js";
import { vipInterface } from "./vip-interface.js";

/** Every interface that holds an address, a route or a rule of the instance, tracked or not. */
export function heldLinks(config: VrrpInstanceConfig): readonly string[] {
  const addresses = [...config.virtualAddresses, ...config.excludedAddresses];
  const entries = entriesOf(config.routes, config.rules);
  return [...addresses.map(({ dev }) => dev ?? vipInterface(config)), ...entries.flatMap(entryDevices)];
}

/** Interfaces of routes and rules whose loss is a loss of the instance. */
export function entryLinks({ routes, rules }: Pick<VrrpInstanceConfig, "routes" | "rules">): readonly string[] {
  const ofRoutes = routes.filter(({ tracked }) => tracked).map(({ device }) => device);
  const ofRules = rules.filter(({ tracked }) => tracked).flatMap((rule) => [rule.inputDevice, rule.outputDevice]);
  return [...ofRoutes, ...ofRules].filter((name) => name !== undefined);
}
