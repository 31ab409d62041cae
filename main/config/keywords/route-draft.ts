import { type Family, familyOf, type IpAddress } from "../../address.js";
import type { Milliseconds } from "../../units.js";
import type { Context } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import type { Metric, PlainMetric, Prefix, TimeMetric } from "../model-routes.js";
import type { EncapDraft } from "./encap.js";
import type { Named } from "./named.js";

/** What one route line said; names are looked up by validate/routes.ts. */
export interface RouteDraft extends HopDraft {
  readonly at: SourcePosition;
  family?: Family;
  type?: number;
  /** A type without its destination so far. */
  typeWord?: string;
  /** `prefix` undefined: everywhere. */
  destination?: { readonly prefix: Prefix | undefined; readonly text: string };
  source?: IpAddress;
  from?: Prefix;
  /** A second gateway given by `or`. */
  otherGateway?: IpAddress;
  tos?: Named;
  table?: Named;
  vrf?: Named;
  protocol?: Named;
  scope?: Named;
  metric?: number;
  expires?: Milliseconds;
  preference?: number;
  ttlPropagate?: boolean;
  readonly plain: { [M in PlainMetric]?: Metric<number> };
  readonly times: { [M in TimeMetric]?: Metric<Milliseconds> };
  congestionControl?: Metric<string>;
  ecn?: boolean;
  insertion?: "prepend" | "append" | "add";
  noTrack?: boolean;
  trackGroup?: Named;
  readonly hops: HopDraft[];
}

/** What a route and each of its next hops may say. */
export interface HopDraft {
  gateway?: IpAddress;
  device?: Named;
  weight?: number;
  onlink?: boolean;
  encap?: EncapDraft;
  realms?: Named;
}

/** Every address of a route is of one family. @returns false: it is not, which was reported */
export function claimFamily(draft: { family?: Family }, address: IpAddress | undefined, context: Context): boolean {
  if (address === undefined) return true;
  const family = familyOf(address);
  draft.family ??= family;
  if (draft.family === family) return true;
  const message = `Cannot mix IPv4 and IPv6 addresses for route (${address}) - the route is left out`;
  context.diagnostics.error("CFG_BAD_VALUE", context.at, message, "write one route for each family");
  return false;
}
