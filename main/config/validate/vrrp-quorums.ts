import type { Diagnostics } from "../diagnostics.js";
import { virtualServerKey } from "../identity.js";
import type { TrackDraft } from "../keywords/track-line.js";
import type { VirtualServerConfig } from "../model.js";
import type { MoreTrackers, VrrpSections } from "../model-vrrp.js";
import { didYouMean } from "../suggest.js";

interface Drafts {
  readonly vrrpInstances: readonly TrackingDraft[];
  readonly syncGroups: readonly TrackingDraft[];
}

interface TrackingDraft {
  readonly name: string;
  readonly trackQuorums: readonly TrackDraft[];
}

type Tracked = Pick<VrrpSections, "vrrpInstances" | "syncGroups">;

/** Virtual servers are known last: instances and groups keep of `track_quorum` what names one whose quorum can be known. */
export function withKnownQuorums<T extends Tracked>(
  vrrp: T,
  { vrrpInstances, syncGroups }: Drafts,
  virtualServers: readonly VirtualServerConfig[],
  diagnostics: Diagnostics,
): T {
  const tracking = [...vrrpInstances, ...syncGroups].filter(({ trackQuorums }) => trackQuorums.length > 0);
  if (tracking.length === 0) return vrrp;
  const servers = new Map(virtualServers.map((server) => [virtualServerKey(server), server]));
  for (const { name: of, trackQuorums } of tracking) {
    for (const { name, at } of trackQuorums) {
      const server = servers.get(name);
      if (server === undefined) {
        const hint =
          didYouMean(name, servers.keys()) ?? 'names are those of the log, as [192.0.2.1]:tcp:80, "FWM 7" or [GROUP]:0';
        diagnostics.error("CFG_UNKNOWN_NAME", at, `(${of}) virtual server ${name} not found, ignoring...`, hint);
      } else if (server.haSuspend) {
        const message = `(${of}) quorum of virtual server ${name} cannot be tracked: with ha_suspend nobody checks it on a backup - ignoring`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "remove ha_suspend from it, or the line from track_quorum");
      }
    }
  }
  const isKnown = (name: string): boolean => servers.get(name)?.haSuspend === false;
  const known = <C extends { readonly track: MoreTrackers }>(config: C): C => {
    const { quorums, ...track } = config.track;
    const kept = quorums?.filter(({ name }) => isKnown(name)) ?? [];
    return { ...config, track: kept.length === 0 ? track : { ...track, quorums: kept } };
  };
  return { ...vrrp, vrrpInstances: vrrp.vrrpInstances.map(known), syncGroups: vrrp.syncGroups.map(known) };
}
