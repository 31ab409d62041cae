import { dirname, resolve } from "node:path/posix";
import type { DiagnosticCode, Diagnostics } from "./diagnostics.js";
import type { ScriptLine } from "./keyword.js";
import type { GlobalDraft } from "./keywords/global-defs.js";
import type { ScriptCommand, ScriptUser, SourcePosition } from "./model.js";
import type { ConfigHost, FileStatus } from "./ports.js";
import { splitEscaped } from "./script-line.js";
import { defaultScriptUser, namedScriptUser, withGroups } from "./script-user.js";

const BASH = "/bin/bash";
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Turns script lines into commands that are safe to run, or says why not. One per load. */
export class ScriptResolver {
  readonly #global: GlobalDraft;
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  readonly #securityEnabled: boolean;
  readonly #defaultUser: ScriptUser | undefined;
  readonly #keepsLinks: boolean;
  #accepted = 0;

  constructor(global: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics) {
    this.#global = global;
    this.#host = host;
    this.#diagnostics = diagnostics;
    this.#securityEnabled = global.enableScriptSecurity === true;
    this.#keepsLinks = global.useSymlinkPaths === true;
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
    if (program.startsWith("</")) return this.#opening(program.slice(1), runAs);
    const found = this.#find(program);
    if (found !== undefined && this.#host.answers?.(found) === false)
      return this.#unseen({ label, at: line.at, path: found, rest, user: runAs });
    const path = found === undefined ? undefined : this.#host.realpath(found);
    const file = path === undefined ? undefined : this.#host.stat(path);
    if (found === undefined || path === undefined || file?.kind !== "file") {
      const message = `Disabling ${label} since not found/accessible`;
      this.#diagnostics.warn(code, line.at, message, `create ${program}, or correct its path`);
      return undefined;
    }
    if (!mayExecute(file, runAs)) {
      const message = `Disabling ${label}: user ${runAs.name} may not execute ${path}`;
      this.#diagnostics.warn(code, line.at, message, `chmod a+rx ${path}`);
      return undefined;
    }
    const runs = this.#keepsLinks ? found : path;
    const ways = runs === path ? [path] : [path, runs]; // whoever changes a link decides what is run
    return this.#isSafe(ways, file, runAs, line.at) ? { argv: [runs, ...rest], user: runAs } : undefined;
  }

  /**
   * Its disk does not answer, and may do so again before it is run. What nobody may have changed must be known for those that run as root:
   * without that they are not run where somebody asked for it.
   */
  #unseen({ label, at, path, rest, user }: Unseen): ScriptCommand | undefined {
    const hint = `look whether ls ${path} ends, and reload when it does`;
    if (this.#securityEnabled && isRoot(user)) {
      const message = `Disabling ${label}: ${path} does not answer, and enable_script_security wants to know who may change it`;
      this.#diagnostics.error("CFG_SCRIPT_SECURITY", at, message, hint);
      return undefined;
    }
    this.#accepted++;
    this.#diagnostics.warn("CFG_ADVICE", at, `${label}: ${path} does not answer - taking it as there`, hint);
    return { argv: [path, ...rest], user };
  }

  /**
   * `</dev/tcp/127.0.0.1/80`, as keepalived's samples have it: succeeds when the file can be opened for reading. A shell opens it:
   * files of that name are known to bash alone, and on many hosts /bin/sh is another one.
   */
  #opening(file: string, user: ScriptUser): ScriptCommand {
    this.#accepted++;
    const isSocket = /^\/dev\/(tcp|udp)\//.test(file);
    const shell = isSocket && this.#host.stat(BASH)?.kind === "file" ? BASH : "/bin/sh";
    return { argv: [shell, "-c", '<"$0"', file], user };
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
      const user = namedScriptUser(named.user, named.group, line.at, this.#host, this.#diagnostics, logged);
      return withGroups(user, this.#global, this.#host);
    }
    if (this.#defaultUser === undefined) {
      const message = `Unable to set default user keepalived_script for script ${line.command}`;
      const hint = "create the user keepalived_script, or name one with script_user in global_defs";
      this.#diagnostics.error("CFG_UNKNOWN_NAME", line.at, message, hint);
    }
    return this.#defaultUser;
  }

  /** Its absolute path; symbolic links in it are not followed. */
  #find(program: string): string | undefined {
    if (program.startsWith("/")) return program;
    if (program.includes("/")) return `${this.#host.workingDirectory}/${program}`;
    const folders = (this.#host.environment("PATH") ?? DEFAULT_PATH)
      .split(":")
      .filter((each) => each.startsWith("/") && this.#host.answers?.(each) !== false);
    const folder = folders.find((each) => this.#host.stat(`${each}/${program}`)?.kind === "file");
    return folder === undefined ? undefined : `${folder}/${program}`;
  }

  /** Only root's scripts are checked: nobody gains anything by changing a script that runs as himself. */
  #isSafe(ways: readonly string[], file: FileStatus, user: ScriptUser, at: SourcePosition): boolean {
    this.#accepted++;
    const setId = (file.uid === 0 && (file.mode & 0o4000) !== 0) || (file.gid === 0 && (file.mode & 0o2000) !== 0);
    if (!isRoot(user) && !setId) return true;
    const path = ways.at(-1) ?? "";
    const unsafe = ways.map((way) => unsafeComponent(way, this.#host)).find((found) => found !== undefined);
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

interface Unseen {
  readonly label: string;
  readonly at: SourcePosition;
  readonly path: string;
  readonly rest: readonly string[];
  readonly user: ScriptUser;
}

const isRoot = ({ uid, gid, groups }: ScriptUser): boolean => uid === 0 || gid === 0 || groups?.includes(0) === true;

interface Unsafe {
  readonly why: string;
  readonly remedy: string;
}

/** As the kernel: more are a loop. */
const MOST_LINKS = 40;

/** The first part of `path` (absolute) that another user than root could change; where links lead to is looked at in full. */
export function unsafeComponent(path: string, host: ConfigHost, links = 0): Unsafe | undefined {
  const parts = path.split("/").slice(1);
  const prefixes = ["/", ...parts.map((_, i) => `/${parts.slice(0, i + 1).join("/")}`)];
  let folder: FileStatus | undefined;
  for (const part of prefixes) {
    const status = host.stat(part);
    if (status === undefined) return { why: `${part} cannot be looked at`, remedy: `check ${part}` };
    const unsafe = unsafePart(part, status, host) ?? unsafeLink(part, folder, host, links);
    if (unsafe !== undefined) return unsafe;
    folder = status;
  }
  return undefined;
}

/** In a sticky directory whoever owns a link can have it lead elsewhere. */
function unsafeLink(part: string, folder: FileStatus | undefined, host: ConfigHost, links: number): Unsafe | undefined {
  const link = host.readLink?.(part);
  if (link === undefined || links > MOST_LINKS) return undefined;
  if (link.uid !== 0 && folder !== undefined && (folder.mode & 0o1000) !== 0) {
    const owner = host.userName(link.uid) ?? `uid ${link.uid}`;
    return { why: `${part} is a link that belongs to ${owner}, not to root`, remedy: `chown -h root ${part}` };
  }
  const from = dirname(part); // it has been looked at, and `..` leads out of where it leads to
  return unsafeComponent(resolve(host.realpath(from) ?? from, link.target), host, links + 1);
}

/** Names the part, who may change it, its owner and mode; the remedy is a command. */
function unsafePart(part: string, { kind, uid, gid, mode }: FileStatus, host: ConfigHost): Unsafe | undefined {
  const owner = host.userName(uid) ?? `uid ${uid}`;
  const bits = mode.toString(8).padStart(4, "0");
  if (uid !== 0)
    return { why: `${part} belongs to ${owner}, not to root (mode ${bits})`, remedy: `chown root ${part}` };
  // In a sticky directory only the owner of a file can replace it.
  if (kind === "directory" && (mode & 0o1000) !== 0) return undefined;
  const byGroup = (mode & 0o020) !== 0 && gid !== 0;
  const byOthers = (mode & 0o002) !== 0;
  if (!byGroup && !byOthers) return undefined;
  const group = host.groupName?.(gid) ?? `gid ${gid}`;
  const who = [...(byOthers ? ["everyone"] : []), ...(byGroup ? [`group ${group}`] : [])].join(" and ");
  const which = `${byGroup ? "g" : ""}${byOthers ? "o" : ""}`;
  return {
    why: `${part} is writable by ${who} (owner ${owner}, group ${group}, mode ${bits})`,
    remedy: `chmod ${which}-w ${part}`,
  };
}

function mayExecute(file: FileStatus, user: ScriptUser): boolean {
  if (user.uid === 0) return (file.mode & 0o111) !== 0;
  if (user.uid === file.uid) return (file.mode & 0o100) !== 0;
  const inGroup = user.gid === file.gid || user.groups?.includes(file.gid) === true;
  return (file.mode & (inGroup ? 0o010 : 0o001)) !== 0;
}
