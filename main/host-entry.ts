import type { RouteConfig, RuleConfig } from "./config/model-routes.js";

/** A route or a policy rule of the host. */
export type HostEntry =
  | { readonly kind: "route"; readonly route: RouteConfig }
  | { readonly kind: "rule"; readonly rule: RuleConfig };

export const entriesOf = (routes: readonly RouteConfig[], rules: readonly RuleConfig[]): readonly HostEntry[] => [
  ...routes.map((route): HostEntry => ({ kind: "route", route })),
  ...rules.map((rule): HostEntry => ({ kind: "rule", rule })),
];

/** As the log names it: `route 198.51.100.0/24 table 77`, `rule preference 100`. */
export function entryText(entry: HostEntry): string {
  if (entry.kind === "rule") return `rule preference ${entry.rule.preference} ${entry.rule.family}`;
  const { destination, table, vrf } = entry.route;
  const where = vrf !== undefined ? ` vrf ${vrf}` : table === MAIN_TABLE ? "" : ` table ${table}`;
  return `route ${destination.length === 0 ? "default" : `${destination.address}/${destination.length}`}${where}`;
}

const MAIN_TABLE = 254;

/** Interfaces that an entry names. */
export function entryDevices(entry: HostEntry): readonly string[] {
  const named =
    entry.kind === "rule"
      ? [entry.rule.inputDevice, entry.rule.outputDevice]
      : [entry.route.device, entry.route.vrf, ...entry.route.hops.map(({ device }) => device)];
  return named.filter((name) => name !== undefined);
}

export const isTracked = (entry: HostEntry): boolean =>
  entry.kind === "rule" ? entry.rule.tracked : entry.route.tracked;
