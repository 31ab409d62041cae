import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { VrrpScriptDraft } from "../keywords/vrrp-script.js";
import type { VrrpScriptConfig } from "../model.js";
import type { ScriptResolver } from "../scripts.js";

/** Scripts with their defaults; those without a usable command are left out, and so are repeated names. */
export function finishVrrpScripts(
  drafts: readonly VrrpScriptDraft[],
  scripts: ScriptResolver,
  diagnostics: Diagnostics,
): readonly VrrpScriptConfig[] {
  const found = new Map<string, VrrpScriptConfig>();
  for (const draft of drafts) {
    if (found.has(draft.name)) {
      const message = `vrrp_script ${draft.name} already defined; the first one is used`;
      diagnostics.warn("CFG_ADVICE", draft.at, message, "give each script its own name");
      continue;
    }
    const script = finishScript(draft, scripts, diagnostics);
    if (script !== undefined) found.set(draft.name, script);
  }
  return [...found.values()];
}

function finishScript(
  draft: VrrpScriptDraft,
  scripts: ScriptResolver,
  diagnostics: Diagnostics,
): VrrpScriptConfig | undefined {
  if (draft.script === undefined) {
    const message = `No script set for vrrp_script ${draft.name} - removing`;
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, 'write: script "<command> [arguments]"');
    return undefined;
  }
  const command = scripts.resolve(draft.script, `track script ${draft.name}`, "CFG_TRACK_SCRIPT", draft.user);
  if (command === undefined) return undefined;
  const interval = draft.interval ?? ms(1000);
  return {
    name: draft.name,
    command,
    interval,
    timeout: draft.timeout ?? interval,
    weight: draft.weight ?? 0,
    reverse: draft.reverse ?? false,
    rise: draft.rise ?? 1,
    fall: draft.fall ?? 1,
    initFail: draft.initFail ?? false,
  };
}
