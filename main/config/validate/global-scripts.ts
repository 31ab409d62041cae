import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { EarlyScript, FifoDraft, FifoKind } from "../keywords/global-scripts.js";
import type { ScriptCommand, ScriptUser } from "../model.js";
import type { FifoConfig, FifosConfig, GlobalScripts } from "../model-global.js";
import type { ConfigHost } from "../ports.js";
import { namedScriptUser } from "../script-user.js";
import type { ScriptResolver } from "../scripts.js";

/** Scripts and pipes of the process itself, looked up and checked as all scripts are. */

export interface ScriptContext {
  readonly host: ConfigHost;
  readonly diagnostics: Diagnostics;
  readonly resolver: ScriptResolver;
  /** There is something of the kind whose changes could be told. */
  readonly hasVrrp: boolean;
  readonly hasLvs: boolean;
}

export function finishGlobalScripts(draft: GlobalDraft, context: ScriptContext): GlobalScripts {
  const { host, diagnostics, resolver } = context;
  for (const { user, group, at } of draft.earlierScriptUsers) namedScriptUser(user, group, at, host, diagnostics);
  refuseTooEarly(draft, context);
  return {
    user: resolver.defaultUser,
    useSymlinkPaths: draft.useSymlinkPaths ?? false,
    supplementaryGroups: draft.supplementaryGroups ?? false,
    startup: findScript(draft.startupScript, "startup script", context),
    startupTimeout: draft.startupTimeout ?? ms(10_000),
    shutdown: findScript(draft.shutdownScript, "shutdown script", context),
    shutdownTimeout: draft.shutdownTimeout ?? ms(10_000),
  };
}

/** keepalived has no default user at these lines, and does not come back to them. */
function refuseTooEarly({ tooEarly, scriptUser }: GlobalDraft, { host, diagnostics, resolver }: ScriptContext): void {
  if (host.user("keepalived_script") !== undefined || (scriptUser !== undefined && resolver.defaultUser === undefined))
    return;
  const hint =
    scriptUser === undefined
      ? "write script_user above this line, or create the user keepalived_script"
      : "move script_user above this line: with enable_script_security it has to be known here";
  for (const { keyword, at } of tooEarly) {
    const message = `Unable to set default user keepalived_script for script (${keyword})`;
    diagnostics.error("CFG_UNKNOWN_NAME", at, message, hint);
  }
}

/** Here an unknown user is an error of the configuration; for other scripts keepalived only logs it. */
function findScript(line: EarlyScript | undefined, label: string, context: ScriptContext): ScriptCommand | undefined {
  if (line === undefined) return undefined;
  const { host, diagnostics } = context;
  const known =
    line.user === undefined || namedScriptUser(line.user, line.group, line.at, host, diagnostics) !== undefined;
  return known ? resolve(line, label, context) : undefined;
}

function resolve(line: EarlyScript, label: string, { host, resolver }: ScriptContext): ScriptCommand | undefined {
  if (line.user !== undefined || resolver.defaultUser !== undefined) return resolver.resolve(line, label);
  // A line above enable_script_security runs as whoever runs the daemon; below it the user is missing, which was said.
  const user = line.beforeSecurity ? host.userName(host.effectiveUid) : undefined;
  return user === undefined ? undefined : resolver.resolve(line, label, "CFG_SCRIPT", { user, group: undefined });
}

export function finishFifos(draft: GlobalDraft, context: ScriptContext): FifosConfig {
  const { hasVrrp, hasLvs } = context;
  const wanted: Readonly<Record<FifoKind, boolean>> = { all: hasVrrp || hasLvs, vrrp: hasVrrp, lvs: hasLvs };
  const finish = (kind: FifoKind, keyword: string): FifoConfig => {
    const fifo = draft.fifos[kind];
    return { path: fifo.path, owner: ownerOf(fifo, context), script: readerOf(fifo, keyword, wanted[kind], context) };
  };
  return {
    all: finish("all", "notify_fifo"),
    vrrp: finish("vrrp", "vrrp_notify_fifo"),
    lvs: finish("lvs", "lvs_notify_fifo"),
    statesOnReload: draft.statesOnReload ?? false,
  };
}

/** keepalived only logs that there is no such user or group; the pipe is then the daemon's. */
const ownerOf = ({ owner }: FifoDraft, { host, diagnostics }: ScriptContext): ScriptUser | undefined =>
  owner === undefined ? undefined : namedScriptUser(owner.user, owner.group, owner.at, host, diagnostics, true);

/** keepalived looks at the script in the process that would tell it something; without such a process never. */
function readerOf(
  { path, script }: FifoDraft,
  keyword: string,
  wanted: boolean,
  context: ScriptContext,
): ScriptCommand | undefined {
  if (script === undefined) return undefined;
  if (!wanted || path === undefined) {
    const why = path === undefined ? `there is no ${keyword}` : "nothing is configured that it could be told";
    const hint = path === undefined ? `write: ${keyword} <path>` : `remove ${script.keyword}`;
    context.diagnostics.warn("CFG_ADVICE", script.at, `${script.keyword} is not run: ${why}`, hint);
  }
  return wanted ? resolve(script, script.keyword, context) : undefined;
}
