import type { VrrpInstanceConfig } from "../config/model.js";

/** Interfaces of routes and rules whose loss is a loss of the instance. */
export function entryLinks({ routes, rules }: Pick<VrrpInstanceConfig, "routes" | "rules">): readonly string[] {
  const ofRoutes = routes.filter(({ tracked }) => tracked).map(({ device }) => device);
  const ofRules = rules.filter(({ tracked }) => tracked).flatMap((rule) => [rule.inputDevice, rule.outputDevice]);
  return [...ofRoutes, ...ofRules].filter((name) => name !== undefined);
}
