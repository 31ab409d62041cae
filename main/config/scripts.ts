import type { DiagnosticCode, Diagnostics } from "./diagnostics.js";
import type { ScriptLine } from "./keyword.js";
import type { GlobalDraft } from "./keywords/global-defs.js";
import type { ScriptCommand, ScriptUser, SourcePosition } from "./model.js";
import type { ConfigHost, FileStatus } from "./ports.js";
import { splitEscaped } from "./script-line.js";
import { defaultScriptUser, namedScriptUser } from "./script-user.js";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Turns script lines into commands that are safe to run, or says why not. One per load. */
export class ScriptResolver {
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  readonly #securityEnabled: boolean;
  readonly #defaultUser: ScriptUser | undefined;
  #accepted = 0;

  constructor(global: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics) {
    this.#host = host;
    this.#diagnostics = diagnostics;
    this.#securityEnabled = global.enableScriptSecurity === true;
    this.#defaultUser = defaultScriptUser(global, host, diagnostics);
  }

  /** Of scripts that name none; undefined: there is none that may be used. */
  get defaultUser(): ScriptUser | undefined {
    return this.#defaultUser;
  }

  /** `label`: what it is, for messages. `user`: from a line of its own. An unusable file is reported with `code`. */
  resolve(
    line: ScriptLine,
    label: string,
    code: DiagnosticCode = "CFG_SCRIPT",
    user?: { readonly user: string; readonly group: string | undefined },
  ): ScriptCommand | undefined {
    const runAs = this.#userOf(line, user, code === "CFG_SCRIPT" && line.user !== undefined);
    const [program, ...rest] = splitEscaped(line.command).words;
    if (runAs === undefined || program === undefined) return undefined;
    const path = this.#locate(program);
    const file = path === undefined ? undefined : this.#host.stat(path);
    if (path === undefined || file === undefined || file.kind !== "file") {
      const message = `Disabling ${label} since not found/accessible`;
      this.#diagnostics.warn(code, line.at, message, `create ${program}, or correct its path`);
      return undefined;
    }
    if (!mayExecute(file, runAs)) {
      const message = `Disabling ${label}: user ${runAs.name} may not execute ${path}`;
      this.#diagnostics.warn(code, line.at, message, `chmod a+rx ${path}`);
      return undefined;
    }
    return this.#isSafe(path, file, runAs, line.at) ? { argv: [path, ...rest], user: runAs } : undefined;
  }

  /** After the last script: keepalived insists on script security as soon as anything is run. */
  finish(): void {
    if (this.#accepted === 0 || this.#securityEnabled) return;
    const message = "SECURITY VIOLATION - scripts are being executed but script_security not enabled.";
    const hint = "write enable_script_security (and script_user NAME) into global_defs";
    this.#diagnostics.warn("CFG_SCRIPT_SECURITY", undefined, message, hint);
  }

  #userOf(
    line: ScriptLine,
    own: { readonly user: string; readonly group: string | undefined } | undefined,
    logged: boolean,
  ): ScriptUser | undefined {
    const named = line.user === undefined ? own : { user: line.user, group: line.group };
    if (named !== undefined) {
      return namedScriptUser(named.user, named.group, line.at, this.#host, this.#diagnostics, logged);
    }
    if (this.#defaultUser === undefined) {
      const message = `Unable to set default user keepalived_script for script ${line.command}`;
      const hint = "create the user keepalived_script, or name one with script_user in global_defs";
      this.#diagnostics.error("CFG_UNKNOWN_NAME", line.at, message, hint);
    }
    return this.#defaultUser;
  }

  #locate(program: string): string | undefined {
    if (program.includes("/")) {
      return this.#host.realpath(program.startsWith("/") ? program : `${this.#host.workingDirectory}/${program}`);
    }
    const folders = (this.#host.environment("PATH") ?? DEFAULT_PATH)
      .split(":")
      .filter((folder) => folder.startsWith("/"));
    const found = folders.find((folder) => this.#host.stat(`${folder}/${program}`)?.kind === "file");
    return found === undefined ? undefined : this.#host.realpath(`${found}/${program}`);
  }

  /** Only root's scripts are checked: nobody gains anything by changing a script that runs as himself. */
  #isSafe(path: string, file: FileStatus, user: ScriptUser, at: SourcePosition): boolean {
    this.#accepted++;
    const setId = (file.uid === 0 && (file.mode & 0o4000) !== 0) || (file.gid === 0 && (file.mode & 0o2000) !== 0);
    if (user.uid !== 0 && user.gid !== 0 && !setId) return true;
    const unsafe = unsafeComponent(path, this.#host);
    if (unsafe === undefined) return true;
    const message = `Unsafe permissions found for script '${path}': ${unsafe.why}`;
    if (!this.#securityEnabled) {
      this.#diagnostics.warn("CFG_SCRIPT_SECURITY", at, message, unsafe.remedy);
      return true;
    }
    this.#diagnostics.error("CFG_SCRIPT_SECURITY", at, `${message} - disabling it`, unsafe.remedy);
    return false;
  }
}

/** The first part of `path` (absolute, without links) that another user than root could change. */
export function unsafeComponent(path: string, host: ConfigHost): { why: string; remedy: string } | undefined {
  const parts = path.split("/").slice(1);
  const prefixes = ["/", ...parts.map((_, i) => `/${parts.slice(0, i + 1).join("/")}`)];
  for (const part of prefixes) {
    const status = host.stat(part);
    if (status === undefined) return { why: `${part} cannot be looked at`, remedy: `check ${part}` };
    if (status.uid !== 0) {
      const owner = host.userName(status.uid) ?? String(status.uid);
      return { why: `${part} belongs to ${owner}`, remedy: `chown root ${part}` };
    }
    // In a sticky directory only the owner of a file can replace it.
    if (status.kind === "directory" && (status.mode & 0o1000) !== 0) continue;
    if ((status.mode & 0o002) !== 0) return { why: `${part} is writable by everyone`, remedy: `chmod o-w ${part}` };
    if ((status.mode & 0o020) !== 0 && status.gid !== 0) {
      return { why: `${part} is writable by group ${status.gid}`, remedy: `chmod g-w ${part}` };
    }
  }
  return undefined;
}

function mayExecute(file: FileStatus, user: ScriptUser): boolean {
  if (user.uid === 0) return (file.mode & 0o111) !== 0;
  if (user.uid === file.uid) return (file.mode & 0o100) !== 0;
  return (file.mode & (user.gid === file.gid ? 0o010 : 0o001)) !== 0;
}
