import { ms } from "../../units.js";
import type { BfdCheckDraft, FileCheckDraft, MiscCheckDraft } from "../keywords/host-checks.js";
import type { RealServerDraft } from "../keywords/real-server.js";
import type { CheckTiming } from "../model.js";
import type { BfdCheckConfig, FileCheckConfig, MiscCheckConfig } from "../model-checks.js";
import { timingOf } from "./checks.js";
import { DELAY_LOOP } from "./fast-interval.js";
import type { RealServerContext } from "./real-servers.js";

/** Checkers that look at this host: a program, a file, a BFD session. Undefined after reporting. */
export function finishHostCheck(
  draft: MiscCheckDraft | FileCheckDraft | BfdCheckDraft,
  realServer: RealServerDraft,
  context: RealServerContext,
): MiscCheckConfig | FileCheckConfig | BfdCheckConfig | undefined {
  switch (draft.type) {
    case "MISC_CHECK":
      return finishMisc(draft, realServer, context);
    case "FILE_CHECK":
      return finishFile(draft, context);
    case "BFD_CHECK":
      return finishBfd(draft, realServer, context);
  }
}

function finishMisc(
  draft: MiscCheckDraft,
  realServer: RealServerDraft,
  context: RealServerContext,
): MiscCheckConfig | undefined {
  const { script, user } = draft;
  if (script === undefined) {
    const message = "No script path has been specified for MISC_CHECKER - skipping";
    context.diagnostics.error("CFG_INCOMPLETE", draft.at, message, 'write: misc_path "/usr/bin/check arguments"');
    return undefined;
  }
  const label = `misc_path of real_server ${realServer.address} of ${context.service.name}`;
  const command = context.resolver.resolve(script, label, "CFG_SCRIPT", user);
  if (command === undefined) return undefined;
  const timing = { ...timingOf(draft, realServer, context, { retry: 0 }), connectTimeout: ms(5000) };
  const { timeoutSeconds = 0 } = draft;
  const inheritsTimeout = timeoutSeconds === 0;
  return {
    type: "MISC_CHECK",
    timing,
    command,
    timeout: inheritsTimeout ? (context.draft.delayLoop ?? DELAY_LOOP) : ms(timeoutSeconds * 1000),
    inheritsTimeout,
    dynamic: draft.dynamic ?? false,
  };
}

function finishFile(draft: FileCheckDraft, context: RealServerContext): FileCheckConfig | undefined {
  const { declared, usable, draft: virtualServer, diagnostics } = context;
  const { trackFile } = draft;
  if (trackFile === undefined) {
    const message = "FILE_CHECK has no track_file specified - ignoring";
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: track_file NAME");
    return undefined;
  }
  const place = declared.trackFiles.get(trackFile.name);
  if (place === undefined || place >= virtualServer.declaredBefore.trackFiles) {
    const hint =
      place === undefined
        ? `write before this block: track_file ${trackFile.name} { file PATH }`
        : `track_file ${trackFile.name} stands below: move it above this virtual_server`;
    diagnostics.error("CFG_UNKNOWN_NAME", trackFile.at, `track_file ${trackFile.name} not found`, hint);
    return undefined;
  }
  if (!usable.trackFiles.has(trackFile.name)) return undefined; // what is wrong with the file was reported
  return { type: "FILE_CHECK", trackFile: trackFile.name, weight: draft.weight, reverse: draft.reverse };
}

function finishBfd(
  draft: BfdCheckDraft,
  realServer: RealServerDraft,
  { declared, usable, draft: virtualServer, diagnostics }: RealServerContext,
): BfdCheckConfig | undefined {
  const { name, at } = draft;
  if (draft.spoiled === true) return undefined; // reported where it stands
  if (name === undefined) {
    const message = "No name has been specified for BFD_CHECKER - skipping";
    diagnostics.error("CFG_INCOMPLETE", at, message, "write: name BFD_INSTANCE");
    return undefined;
  }
  const place = declared.bfdInstances.get(name);
  if (place === undefined || place >= virtualServer.declaredBefore.bfdInstances) {
    const hint =
      place === undefined
        ? `write before this block: bfd_instance ${name} { neighbor_ip ADDRESS }`
        : `bfd_instance ${name} stands below: move it above this virtual_server`;
    diagnostics.error("CFG_UNKNOWN_NAME", at, `BFD_CHECK - BFD ${name} not configured`, hint);
    return undefined;
  }
  const first = realServer.checks?.find((check) => check.type === "BFD_CHECK" && check.name === name);
  if (first !== draft) {
    const message = `BFD_CHECK - RS already monitoring ${name}`;
    diagnostics.error("CFG_DUPLICATE", at, message, "remove one of them");
    return undefined;
  }
  if (!usable.sessions.has(name)) return undefined; // what is wrong with the session was reported
  const alpha = draft.alpha ?? realServer.alpha ?? virtualServer.alpha ?? false;
  return { type: "BFD_CHECK", timing: { ...LISTENING, alpha }, name };
}

/** Nothing is attempted, so no times count. */
const LISTENING: CheckTiming = {
  delayLoop: ms(0),
  fastInterval: undefined,
  jitter: ms(0),
  connectTimeout: ms(0),
  retry: 0,
  rise: 1,
  delayBeforeRetry: ms(0),
  warmup: ms(0),
  alpha: false,
  logAllFailures: false,
};
