import { ms } from "../../units.js";
import type { Named } from "../keywords/named.js";
import type { GarpGroupDraft, HostDraft } from "../keywords/vrrp-host.js";
import type { GarpGroupConfig, LinkSettingsConfig, StaticEntriesConfig, TrackGroupConfig } from "../model-vrrp.js";
import { interfaceIsThere, type LookUp } from "./names.js";
import { finishRoute } from "./routes.js";
import { finishRule, type RulePreferences } from "./rules.js";
import { finishAddress } from "./vrrp-addresses.js";

/** What is on the host whatever the instances do. */
export function finishStatic(
  draft: HostDraft,
  groups: readonly TrackGroupConfig[],
  preferences: RulePreferences,
  lookUp: LookUp & { readonly defaultInterface: string | undefined },
): StaticEntriesConfig {
  const known = new Set<string | undefined>(groups.map((group) => group.name));
  const groupOf = (name: string | undefined): string | undefined => (known.has(name) ? name : undefined);
  return {
    addresses: draft.staticAddresses.flatMap((one) => {
      const dev = one.dev ?? lookUp.defaultInterface ?? "eth0";
      const device = { text: dev, at: one.at };
      const there =
        one.dev === undefined
          ? lookUp.dynamic || mustBeThere(device, "default_interface", lookUp)
          : interfaceIsThere(device, `ip address ${one.address}`, lookUp);
      return there ? [{ ...finishAddress({ ...one, dev }, lookUp), trackGroup: groupOf(one.trackGroup?.text) }] : [];
    }),
    routes: draft.staticRoutes.flatMap((one) => {
      const route = finishRoute(one, lookUp);
      return route === undefined ? [] : [{ ...route, trackGroup: groupOf(route.trackGroup) }];
    }),
    rules: draft.staticRules.flatMap((one) => {
      const rule = finishRule(one, preferences, lookUp);
      return rule === undefined ? [] : [{ ...rule, trackGroup: groupOf(rule.trackGroup) }];
    }),
  };
}

export function finishLinkSettings(draft: HostDraft, lookUp: LookUp): LinkSettingsConfig {
  return {
    garpGroups: finishGarpGroups(draft.garpGroups, lookUp),
    linkbeat: draft.linkbeat.flatMap(({ interface: name, method }) =>
      mustBeThere(name, "linkbeat_interfaces", lookUp) ? [{ interface: name.text, method }] : [],
    ),
    delays: draft.delays.flatMap(({ interface: name, down, up }) =>
      mustBeThere(name, "interface_up_down_delays", lookUp) ? [{ interface: name.text, down, up }] : [],
    ),
  };
}

/** dynamic_interfaces is no excuse here. */
function mustBeThere({ text, at }: Named, block: string, { host, diagnostics }: LookUp): boolean {
  if (host.interfaceExists(text)) return true;
  const message = `unknown interface ${text} specified by ${block} - ignoring`;
  diagnostics.error("CFG_INTERFACE_MISSING", at, message, "correct the name (ip link lists them)");
  return false;
}

/** Each interface belongs to one group. */
function finishGarpGroups(drafts: readonly GarpGroupDraft[], lookUp: LookUp): readonly GarpGroupConfig[] {
  const { diagnostics } = lookUp;
  const taken = new Set<string>();
  return drafts.flatMap(({ at, garpInterval, gnaInterval, interfaces, shared = false }) => {
    if (garpInterval === undefined && gnaInterval === undefined) {
      const message = "garp group does not have any delay set - removing";
      diagnostics.error("CFG_INCOMPLETE", at, message, "write: garp_interval <seconds>");
      return [];
    }
    const usable = interfaces.filter((name) => {
      if (!interfaceIsThere(name, "garp_group", lookUp)) return false;
      if (!taken.has(name.text)) {
        taken.add(name.text);
        return true;
      }
      const message = `garp_group already specified for ${name.text} - ignoring`;
      diagnostics.error("CFG_DUPLICATE", name.at, message, "name each interface in one group");
      return false;
    });
    return [
      {
        garpInterval: garpInterval ?? ms(0),
        gnaInterval: gnaInterval ?? ms(0),
        interfaces: usable.map(({ text }) => text),
        shared,
      },
    ];
  });
}
