import type { Diagnostics } from "./diagnostics.js";
import type { GlobalDraft } from "./keywords/global-defs.js";
import type { ScriptUser, SourcePosition } from "./model.js";
import type { ConfigHost } from "./ports.js";

/** keepalived's reserved name of the user that scripts run as when it exists. */
const DEFAULT_USER = "keepalived_script";

/** The user of scripts that name none; undefined: such scripts are dropped. */
export function defaultScriptUser(
  global: GlobalDraft,
  host: ConfigHost,
  diagnostics: Diagnostics,
): ScriptUser | undefined {
  const { scriptUser } = global;
  if (scriptUser !== undefined) {
    const { user, group, at } = scriptUser;
    return withGroups(namedScriptUser(user, group, at, host, diagnostics), global, host);
  }
  const reserved = host.user(DEFAULT_USER);
  if (reserved !== undefined)
    return withGroups({ name: reserved.name, uid: reserved.uid, gid: reserved.gid }, global, host);
  if (global.enableScriptSecurity === true) return undefined;
  const own = host.userName(host.effectiveUid) ?? String(host.effectiveUid);
  const gid = host.user(own)?.gid ?? 0;
  return { name: own, uid: host.effectiveUid, gid };
}

/** set_supplementary_groups: the user's other groups too. */
export function withGroups<User extends ScriptUser | undefined>(
  user: User,
  { supplementaryGroups }: GlobalDraft,
  host: ConfigHost,
): User {
  if (user === undefined || supplementaryGroups !== true || user.groups !== undefined) return user;
  return { ...user, groups: otherGroups(user, host) };
}

/** What initgroups(3) would set. */
function otherGroups({ name, gid }: ScriptUser, host: ConfigHost): readonly number[] {
  return [...new Set([gid, ...(host.groupsOf?.(name) ?? [])])];
}

/** `group` may be written `:group`: with the user's other groups. */
export function namedScriptUser(
  user: string,
  group: string | undefined,
  at: SourcePosition,
  host: ConfigHost,
  diagnostics: Diagnostics,
  // keepalived only logs it where a notify script names its user, so `-t` passes.
  logged = false,
): ScriptUser | undefined {
  const report = (message: string, hint: string): undefined => {
    if (logged) diagnostics.warn("CFG_SCRIPT", at, message, hint);
    else diagnostics.error("CFG_UNKNOWN_NAME", at, message, hint);
  };
  const entry = host.user(user);
  if (entry === undefined) {
    // script pidof nginx: the word after the command is a user, which few expect.
    const hint = `create it (useradd --system ${user}) or name another user; arguments stand in the command's quotes`;
    return report(`Unable to resolve script user '${user}' - ignoring`, hint);
  }
  const name = group?.replace(/^:/, "") ?? "";
  if (name === "") return { name: entry.name, uid: entry.uid, gid: entry.gid };
  const gid = host.group(name);
  if (gid !== undefined) {
    const user: ScriptUser = { name: entry.name, uid: entry.uid, gid, group: name };
    return group?.startsWith(":") === true ? { ...user, groups: otherGroups(user, host) } : user;
  }
  const hint = `create it (groupadd --system ${name}) or name another group`;
  return report(`Unable to resolve script group '${name}' - ignoring`, hint);
}
