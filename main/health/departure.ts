import type { RealServerConfig } from "../config/model.js";
import type { HealthEffect } from "./effects.js";
import { realServerName } from "./names.js";
import { quorumEvent } from "./quorum.js";
import type { RealServerState } from "./real-server.js";
import { isInService } from "./removal-floor.js";
import { checkMail, realServerEvent } from "./virtual-server.js";
import type { VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";

/** The daemon leaves. Everything is said; scripts and mail only with `omega`. */
export function shutdownEffects(context: VirtualServerContext, state: VirtualServerState): HealthEffect[] {
  const because = "Shutting down";
  const effects = context.config.realServers.flatMap((server, i) => {
    const name = realServerName(context.config.service, server);
    const sentence = `${because} service ${name} from VS ${context.name}`;
    const log = logLine("health.real-server-shutdown", sentence, context, name);
    return context.config.omega ? [log, ...goodbye(context, server, state.servers[i], because)] : [log];
  });
  if (context.config.omega && state.quorum === "up") effects.push(quorumEvent(context, false, because));
  return effects;
}

/** A virtual server that the new configuration no longer has: whoever was told UP is told DOWN. */
export function* removalEffects(context: VirtualServerContext, state: VirtualServerState): Generator<HealthEffect> {
  const because = "Removing";
  const sentence = `Removing Virtual Server ${context.name}`;
  yield logLine("health.virtual-server-removed", sentence, context, undefined);
  for (const [i, server] of context.config.realServers.entries())
    yield* goodbye(context, server, state.servers[i], because);
  if (state.quorum === "up") yield quorumEvent(context, false, because);
}

/** A real server that its virtual server no longer has. */
export function goneEffects(
  context: VirtualServerContext,
  server: RealServerConfig,
  state: RealServerState | undefined,
): HealthEffect[] {
  const name = realServerName(context.config.service, server);
  const log = logLine("health.real-server-gone", `service ${name} no longer exist`, context, name);
  return [log, ...goodbye(context, server, state, "Removing")];
}

function goodbye(
  context: VirtualServerContext,
  server: RealServerConfig,
  state: RealServerState | undefined,
  because: string,
): HealthEffect[] {
  if (state === undefined || !isInService(state)) return [];
  const notify = realServerEvent(context, server, false);
  return server.smtpAlert ? [notify, checkMail(context, server, false, `=> ${because} <=`)] : [notify];
}

function logLine(
  event: string,
  sentence: string,
  context: VirtualServerContext,
  realServer: string | undefined,
): HealthEffect {
  const fields = { virtualServer: context.name, realServer };
  return { do: "log", level: "notice", event, sentence, fields };
}
